"""What each unit of a layer adds to one score per image, for many images. docs/evidence.md, Contributions, Importance.

At the layer that a head pools the shares are exact; at any other layer they are of first order, by gradients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from workers.engine.evidence.class_maps import run_with_maps, run_without, share_by_gradients
from workers.engine.evidence.finding import NoHead, find_head
from workers.engine.evidence.head import Form, Head
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.probing import probe_layers

# Sets of units that are tried in one forward pass.
SETS_AT_ONCE = 64


@dataclass(frozen=True)
class StudiedLayer:
    """A layer whose units' shares are asked for, and the network's head if that is what pools it."""

    network: LoadedNetwork
    shape: LayerShape
    head: Head | None

    @property
    def by(self) -> str:
        return "contributions" if self.head is not None else "gradients"


@dataclass(frozen=True)
class Shares:
    """Of B images: `scores` (B, C), `classes` (B,) whose score is shared out, `units` (B, K) what each unit adds."""

    scores: torch.Tensor
    classes: torch.Tensor
    units: torch.Tensor


def find_studied(network: LoadedNetwork, path: str, *, device: str) -> StudiedLayer:
    """The layer of this path, or the one that the head pools if the path is empty. Raises NoHead, LayerError."""
    try:
        head = find_head(network)
    except NoHead:
        if not path:
            raise
        head = None
    if head is not None and path in ("", head.layer, *head.same):
        return StudiedLayer(network, head.shape, head)
    px = network.preprocessing.input_px
    shape = probe_layers(module=network.module, paths=[path], input_px=px, device=device)[path]
    return StudiedLayer(network, shape, None)


def share_scores(layer: StudiedLayer, images: torch.Tensor, classes: torch.Tensor | None = None) -> Shares:
    """The shares in the score of the given class of each image (B,), or of its class of highest score.

    `images` (B, 3, px, px) are normalized. Raises NetworkError if values are not finite.
    """
    module = layer.network.module
    if layer.head is None:
        scores, units = share_by_gradients(module=module, shape=layer.shape, images=images, classes=classes)
        chosen = scores.argmax(dim=1) if classes is None else classes
    else:
        seen = run_with_maps(module=module, shape=layer.shape, images=images)
        scores, chosen = seen.scores, seen.scores.argmax(dim=1) if classes is None else classes
        units = layer.head.contributions(seen.maps, chosen[:, None]).units[:, 0]
    if not (scores.isfinite().all() and units.isfinite().all()):
        raise NetworkError("For these photographs the network gives values that are not finite numbers.")
    return Shares(scores, chosen, units)


def score_without(
    layer: StudiedLayer, image: torch.Tensor, orders: torch.Tensor, counts: Sequence[int]
) -> torch.Tensor:
    """(M, P, C) scores of one normalized image (1, 3, px, px) if the first n units of an order are set to zero, for M
    orders (M, K) and P ascending counts n. A head needs one forward pass for all of them, another layer one for each.
    """
    if layer.head is None:
        keep = _keep_units(orders, counts).flatten(0, 1)
        parts = [
            run_without(
                module=layer.network.module,
                shape=layer.shape,
                images=image.expand(len(keep[first : first + SETS_AT_ONCE]), *image.shape[1:]),
                keep=keep[first : first + SETS_AT_ONCE],
            )
            for first in range(0, len(keep), SETS_AT_ONCE)
        ]
        return torch.cat(parts).reshape(len(orders), len(counts), -1)
    maps = run_with_maps(module=layer.network.module, shape=layer.shape, images=image).maps
    with torch.inference_mode():
        return torch.stack([_score_one_order(layer.head, maps, order, counts) for order in orders])


def _score_one_order(head: Head, maps: torch.Tensor, order: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
    """(P, C). Scores that are rectified cell by cell lose their units step by step: each unit is multiplied once."""
    if head.form is not Form.MEAN_OF_SCORES:
        return head.score(maps * _keep_units(order[None], counts)[0, ..., None, None])
    cells = maps[0].flatten(1)
    raw = head.weight @ cells + head.bias[:, None]
    found, done = [], 0
    for n in counts:
        taken = order[done:n]
        raw, done = raw - head.weight[:, taken] @ cells[taken], n
        found.append(raw.clamp_min(0).mean(dim=1))
    return torch.stack(found)


def _keep_units(orders: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
    """(M, P, K): 0 for the first n units of an order, else 1."""
    limits = torch.tensor(counts, device=orders.device)
    return (orders.argsort(dim=1)[:, None] >= limits[:, None]).float()
