"""Class maps: where in an image a network sees a class. [ZKLOT16] 2, [SCDVPB17], [DC20], [JZHCW21].

docs/evidence.md, Class maps. Maps and gradients are (B, K, h, w): image, unit, row, column of cells. All values are
signed until a method itself cuts them off.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.engine.evidence.names import GRAD_CAM, HIRES_CAM, LAYER_CAM
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.hooks import eval_mode, find_layer, split_call
from workers.engine.networks.layer_maps import LayerError, LayerShape, as_maps, list_tensors, spell_shape

Combine = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _grad_cam(gradients: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    return (gradients.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).clamp_min(0)


def _hires_cam(gradients: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    return (gradients * maps).sum(dim=1)


def _layer_cam(gradients: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    return (gradients.clamp_min(0) * maps).sum(dim=1).clamp_min(0)


# By gradients, at any layer: how gradients and maps become one map (B, h, w).
GRADIENT_METHODS: dict[str, Combine] = {GRAD_CAM: _grad_cam, HIRES_CAM: _hires_cam, LAYER_CAM: _layer_cam}


@dataclass(frozen=True)
class Seen:
    """What one forward pass gave: `scores` (B, C) and the layer's `maps` (B, K, h, w)."""

    scores: torch.Tensor
    maps: torch.Tensor


def score_images(module: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """(B, C) what a network says of normalized images (B, 3, H, W): the first tensor that it gives. Raises
    NetworkError.
    """
    given = next(iter(list_tensors(module(images)).values()), None)
    if given is None:
        raise NetworkError("The network gives no tensor, but a score per class is needed.")
    if given.ndim != 2 or len(given) != len(images):
        raise NetworkError(f"The network gives {spell_shape(given.shape[1:])} values per image, not a score per class.")
    return given


def run_with_maps(*, module: nn.Module, shape: LayerShape, images: torch.Tensor) -> Seen:
    """Scores and maps of normalized images (B, 3, H, W), without gradients."""
    with torch.inference_mode(), _holding(module, shape) as held:
        scores = score_images(module, images)
    return Seen(scores=scores, maps=held.maps)


def map_by_gradients(
    *, module: nn.Module, shape: LayerShape, images: torch.Tensor, classes: torch.Tensor, methods: Sequence[str]
) -> dict[str, torch.Tensor]:
    """By method, one of GRADIENT_METHODS, (B, n, h, w) maps of the classes (B, n): a backward pass per class.

    The gradient is that of the class's score with respect to the layer's output; nothing before the layer is kept.
    """
    with torch.enable_grad(), _holding(module, shape) as held:
        scores = score_images(module, images)
        maps = held.maps.detach()
        found: dict[str, list[torch.Tensor]] = {method: [] for method in methods}
        for place in range(classes.shape[1]):
            chosen = scores.gather(1, classes[:, place : place + 1]).sum()
            gradient = held.differentiate(chosen)
            for method, made in found.items():
                made.append(GRADIENT_METHODS[method](gradient, maps))
    return {method: torch.stack(made, dim=1) for method, made in found.items()}


def share_by_gradients(
    *, module: nn.Module, shape: LayerShape, images: torch.Tensor, classes: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores (B, C), and (B, K) what each unit adds to the score of one class per image, to first order: the sum over
    cells of gradient times map. `classes` (B,); None: the class of highest score.
    """
    with torch.enable_grad(), _holding(module, shape) as held:
        scores = score_images(module, images)
        maps = held.maps.detach()
        chosen = scores.argmax(dim=1) if classes is None else classes
        gradient = held.differentiate(scores.gather(1, chosen[:, None]).sum())
    return scores.detach(), (gradient * maps).sum(dim=(2, 3))


def run_without(*, module: nn.Module, shape: LayerShape, images: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """(B, C) scores if the units of a layer are set to zero for which `keep` (B, K) is 0, elsewhere 1."""
    name, call = split_call(shape.path)
    n_calls = 0

    def silence(_module: nn.Module, _inputs: object, output: object) -> torch.Tensor | None:
        nonlocal n_calls
        n_calls += 1
        if n_calls - 1 != (call or 0):
            return None
        if not isinstance(output, torch.Tensor):
            raise LayerError(f"{shape.path} gives more than one tensor: its units cannot be set to zero.")
        factor = [1] * output.ndim
        factor[shape.axes.index("b")], factor[shape.axes.index("u")] = len(keep), shape.n_units
        ordered = keep if shape.axes.index("b") < shape.axes.index("u") else keep.T
        return output * ordered.reshape(factor)

    with torch.inference_mode(), eval_mode(module), ExitStack() as stack:
        stack.callback(find_layer(module=module, path=name).register_forward_hook(silence).remove)
        return score_images(module, images)


def grow(class_maps: torch.Tensor, px: int, *, mode: str = "bilinear") -> NDArray[np.float32]:
    """(B, n, h, w) to (B, n, px, px), between the centers of cells."""
    grown = torch.nn.functional.interpolate(class_maps.float(), size=(px, px), mode=mode, align_corners=False)
    return np.asarray(grown.cpu().numpy())


@dataclass
class _Held:
    """A layer's output, cut off from what came before, and its maps."""

    shape: LayerShape
    leaf: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    n_calls: int = 0

    @property
    def maps(self) -> torch.Tensor:
        """Raises LayerError if the layer gave something else than one tensor."""
        if self.leaf.numel() == 0:
            raise LayerError(f"{self.shape.path} gives more than one tensor: name a layer that gives one.")
        return as_maps(shape=self.shape, output=self.leaf)

    def differentiate(self, score: torch.Tensor) -> torch.Tensor:
        """(B, K, h, w) gradient of a score with respect to the maps: that of the layer's output, read as maps."""
        if not score.requires_grad:
            raise LayerError(f"The scores do not depend on {self.shape.path}, or the network computes no gradients.")
        (found,) = torch.autograd.grad(score, self.leaf, retain_graph=True, materialize_grads=True)
        return as_maps(shape=self.shape, output=found)


@contextmanager
def _holding(module: nn.Module, shape: LayerShape) -> Iterator[_Held]:
    """Within it, a forward pass leaves the layer's output behind; what follows may overwrite its own copy."""
    name, call = split_call(shape.path)
    held = _Held(shape)

    def keep(_module: nn.Module, _inputs: object, output: object) -> torch.Tensor | None:
        is_wanted = held.n_calls == (call or 0)
        held.n_calls += 1
        if not is_wanted or not isinstance(output, torch.Tensor):
            return None
        held.leaf = output.detach().requires_grad_(torch.is_grad_enabled())
        return held.leaf.clone()

    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        stack.callback(find_layer(module=module, path=name).register_forward_hook(keep).remove)
        yield held
