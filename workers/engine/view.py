"""View: what one unit and one class look at in a photograph, in four ways, each beside its randomized twin.

The twin is the same network with weights drawn at random. A view that hardly changes with them says nothing about what
the network has learned [ACGGDK18]; docs/evidence.md, Views.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.engine.evidence.class_maps import grow, map_by_gradients, run_with_maps, score_images
from workers.engine.evidence.names import BACK_PROPAGATION, GRAD_CAM, STRONG_ACTIVATION, VIEWS
from workers.engine.evidence.saliency import correlate_ranks, differentiate
from workers.engine.images.image_set import ImageSet
from workers.engine.networks.hooks import eval_mode, find_layer, split_call
from workers.engine.networks.layer_maps import LayerError, LayerShape, as_maps
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.probing import probe_layers
from workers.engine.networks.random_weights import draw_weights

UNIT, CLASS = SUBJECTS = ("unit", "class")
SEED = 0
Picture = NDArray[np.float32]
Score = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Views:
    """By subject and method a picture (px, px) of the network and of its twin, and their rank correlation.

    `class_index` is the class that the network puts first. Without a ReLU in the network, methods that change its
    backward pass are absent.
    """

    class_index: int
    n_classes: int
    n_relus: int
    pictures: dict[tuple[str, str], tuple[Picture, Picture]] = field(default_factory=dict)
    correlations: dict[tuple[str, str], float | None] = field(default_factory=dict)


def view(*, network: LoadedNetwork, image_set: ImageSet, index: int, layer: str, unit: int, device: str) -> Views:
    """Of a unit of the layer and of the class that is put first. Raises LayerError, ImageUnreadable, NetworkError."""
    preprocessing = network.preprocessing
    pixels = image_set.read_pixels(index, preprocessing=preprocessing)
    images = normalize(pixels=torch.tensor(pixels[None]).to(device), preprocessing=preprocessing)
    px = preprocessing.input_px
    shape = probe_layers(module=network.module, paths=[layer], input_px=px, device=device)[layer]
    if not 0 <= unit < shape.n_units:
        raise LayerError(f"{layer} has no unit {unit}: it has the units 0 to {shape.n_units - 1}.")
    with torch.inference_mode(), eval_mode(network.module):
        scores = score_images(network.module, images)
    chosen = int(scores[0].argmax())
    twin = draw_weights(network, seed=SEED)
    own, n_relus = _draw(network.module, shape, images, unit, chosen)
    other, _ = _draw(twin.module, shape, images, unit, chosen)
    both = {key: (own[key], other[key]) for key in own}
    return Views(
        class_index=chosen,
        n_classes=scores.shape[1],
        n_relus=n_relus,
        pictures=both,
        correlations={key: correlate_ranks(*pair) for key, pair in both.items()},
    )


def _draw(
    module: nn.Module, shape: LayerShape, images: torch.Tensor, unit: int, chosen: int
) -> tuple[dict[tuple[str, str], Picture], int]:
    """The pictures by subject and method, and how many ReLUs the network has."""
    px = images.shape[-1]
    maps = run_with_maps(module=module, shape=shape, images=images).maps
    classes = torch.tensor([[chosen]], device=images.device)
    by_class = map_by_gradients(module=module, shape=shape, images=images, classes=classes, methods=[GRAD_CAM])
    found = {
        (UNIT, STRONG_ACTIVATION): grow(maps[:, unit : unit + 1], px)[0, 0],
        (CLASS, STRONG_ACTIVATION): grow(by_class[GRAD_CAM], px)[0, 0],
    }
    scores: dict[str, Score] = {
        UNIT: lambda leaf: _find_peak(module, shape, leaf, unit),
        CLASS: lambda leaf: _score_class(module, leaf, chosen),
    }
    n_relus = 0
    for subject, score in scores.items():
        for method in VIEWS[1:]:
            picture, n = differentiate(images, score, method=method)
            n_relus = max(n_relus, n)
            # Without a ReLU on the way all three are the same.
            if n or method == BACK_PROPAGATION:
                found[subject, method] = picture
    return found, n_relus


def _score_class(module: nn.Module, images: torch.Tensor, chosen: int) -> torch.Tensor:
    with eval_mode(module):
        return score_images(module, images)[0, chosen]


def _find_peak(module: nn.Module, shape: LayerShape, images: torch.Tensor, unit: int) -> torch.Tensor:
    """The unit's largest value over the cells of one image, with its graph."""
    name, call = split_call(shape.path)
    kept: list[torch.Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        # A copy: what follows may overwrite the layer's output.
        kept.append(output.clone() if isinstance(output, torch.Tensor) else torch.zeros(0))

    handle = find_layer(module=module, path=name).register_forward_hook(keep)
    try:
        with eval_mode(module):
            module(images)
    finally:
        handle.remove()
    if len(kept) <= (call or 0) or kept[call or 0].numel() == 0:
        raise LayerError(f"{shape.path} gives more than one tensor: name a layer that gives one.")
    return as_maps(shape=shape, output=kept[call or 0])[0, unit].max()
