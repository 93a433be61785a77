"""Find layers whose values for an image depend on the other images of its batch, or on chance.

docs/measures.md, What is refused. The first images run twice in the same batch, and once in other company: fewer of
them, in another order, after an image that is turned to its negative. Values of batches of different sizes differ by
rounding; batch statistics, dropout and noise change them by more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from workers.engine.networks.hooks import reading
from workers.engine.networks.layer_maps import LayerError, LayerShape

# Images that are tried; together they are run some three times, less than one batch.
TRIED = 4
# Two values are alike if they differ by less than this share of the unit's largest magnitude.
ALIKE = 1e-3
ALIKE_ON_GPU = 2e-2  # convolutions may compute in TF32 there
ALIKE_IN_HALF = 1e-1
# In one and the same batch, rounding is the same but for the order of sums.
ALIKE_REPEATED = 1e-5
# A few values may differ: where a network chooses (top k, largest token), rounding decides between equals.
FEW, FEW_SHARE = 3, 1e-3


class LayerDependsOnBatch(LayerError):
    """What the layer gives for an image depends on the other images of its batch, or on chance."""


@dataclass(frozen=True)
class Tolerance:
    """Shares of a unit's largest magnitude up to which values count as alike."""

    in_company: float
    repeated: float

    @classmethod
    def of(cls, *, device: str, autocast: bool) -> "Tolerance":
        if autocast:
            return cls(ALIKE_IN_HALF, ALIKE_IN_HALF)
        if device.startswith("cuda"):
            return cls(ALIKE_ON_GPU, ALIKE)
        return cls(ALIKE, ALIKE_REPEATED)


def check_company(
    *, module: nn.Module, shapes: Sequence[LayerShape], images: torch.Tensor, tolerance: Tolerance
) -> None:
    """Raises LayerDependsOnBatch, naming the layer. `images` (n, 3, px, px) are network input, n at most TRIED."""
    first = _run(module, shapes, images)
    again = _run(module, shapes, images)
    kept = max(1, len(images) - 2)
    other = _run(module, shapes, torch.cat([-images[:1], images[:kept].flip(0)]))
    for shape in shapes:
        path = shape.path
        if differ(first[path], again[path], share=tolerance.repeated):
            raise LayerDependsOnBatch(
                f"{path} gives other values for the same image each time: {_suspect(module, _is_random, 'something')} "
                "draws random numbers in evaluation. Units cannot be compared by such values: switch it off, or "
                "dissect a layer before it."
            )
        if differ(first[path][:kept], other[path][1:].flip(0), share=tolerance.in_company):
            raise LayerDependsOnBatch(
                f"{path} gives other values for an image when other images run beside it: "
                f"{_suspect(module, _is_batched, 'something before it')} computes over the batch in evaluation. Give "
                "it the statistics of training, or dissect a layer before it."
            )


def _run(module: nn.Module, shapes: Sequence[LayerShape], images: torch.Tensor) -> dict[str, torch.Tensor]:
    kept: dict[str, torch.Tensor] = {}

    def keep(path: str, maps: torch.Tensor) -> None:
        kept[path] = maps.to(torch.float32, copy=True)

    with reading(module=module, shapes=shapes, consume=keep) as run:
        run(images)
    return kept


def differ(one: torch.Tensor, other: torch.Tensor, *, share: float) -> bool:
    """True if more than a few of the (B, U, h, w) values differ by more than the share of their unit's largest
    magnitude. Values that are not finite are left to the pass, which names them.
    """
    scale = torch.maximum(one.abs(), other.abs()).amax(dim=(0, 2, 3), keepdim=True)
    # Of units near zero, rounding is all there is.
    scale = torch.maximum(scale, scale.median() * ALIKE)
    n_different = int(((one - other).abs() > share * scale).sum())
    n_active = int(((one != 0) | (other != 0)).sum())
    return n_different >= min(FEW, one.numel()) and n_different >= FEW_SHARE * n_active


def _suspect(module: nn.Module, is_suspect: Callable[[nn.Module], bool], otherwise: str) -> str:
    """The first module that is known to do so, by name and kind."""
    for name, part in module.named_modules():
        if is_suspect(part):
            return f"{name} ({type(part).__name__})"
    return otherwise


def _is_batched(part: nn.Module) -> bool:
    return isinstance(part, nn.modules.batchnorm._NormBase) and part.running_mean is None and not isinstance(
        part, nn.modules.instancenorm._InstanceNorm
    )  # fmt: skip


def _is_random(part: nn.Module) -> bool:
    # torch's own are silent in evaluation; a class that is derived from them may not be.
    is_silent = type(part).__module__ == nn.Dropout.__module__ and not part.training
    return not is_silent and any(word in type(part).__name__.lower() for word in ("drop", "noise"))
