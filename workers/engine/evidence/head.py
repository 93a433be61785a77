"""A head: the scores of a network as a linear function of the maps that its global pool takes in. [ZKLOT16] 2.

docs/evidence.md, Heads. Maps are (B, K, h, w): image, unit, row, column of cells. Scores are logits, (B, C).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from torch import nn

from workers.engine.networks.layer_maps import LayerShape


class Form(StrEnum):
    """How the scores follow from the maps f with the weights W and the bias b of the last layer."""

    MEAN = "mean"  # mean(W f) + b
    RECTIFIED_MEAN = "mean of rectified maps"  # mean(W relu(f)) + b
    NORMALIZED_MEAN = "normalized mean"  # W norm(mean(f)) + b; norm is a LayerNorm over the units of an image
    MEAN_OF_SCORES = "mean of rectified scores"  # mean(relu(W f + b))
    MAXIMUM = "maximum"  # W max(f) + b


@dataclass(frozen=True)
class Norm:
    """A LayerNorm over the K pooled values of an image: scale and shift (K,), and what is added to the variance."""

    scale: torch.Tensor
    shift: torch.Tensor
    eps: float


@dataclass(frozen=True)
class Contributions:
    """What each unit adds to some scores: `units` (B, n, K) and `bias` (B, n); their sum over units, and the bias, is
    the score.
    """

    units: torch.Tensor
    bias: torch.Tensor

    @property
    def scores(self) -> torch.Tensor:
        """(B, n)"""
        return self.units.sum(dim=2) + self.bias


@dataclass(frozen=True)
class Head:
    """`layer` gives the maps, read as `shape` says; `same` are other paths that give the same maps. `last` is the path
    of the layer with `weight` (C, K) and `bias` (C,), both as if nothing but the pool stood between. `error` is the
    largest difference between these scores and the network's, relative to the largest score.
    """

    layer: str
    same: tuple[str, ...]
    shape: LayerShape
    form: Form
    last: str
    weight: torch.Tensor
    bias: torch.Tensor
    norm: Norm | None = None
    error: float = 0.0

    @property
    def n_classes(self) -> int:
        return len(self.bias)

    def score(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, C) scores of maps (B, K, h, w)."""
        if self.form is Form.MEAN_OF_SCORES:
            return self._rectified_scores(maps).mean(dim=(2, 3))
        scale, offset = self._per_image(maps)
        return (self.pool(maps) - offset) * scale @ self.weight.T + self.bias

    def pool(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, K) what the pool makes of the maps."""
        if self.form is Form.MAXIMUM:
            return maps.amax(dim=(2, 3))
        return self._entering(maps).mean(dim=(2, 3))

    def map_classes(self, maps: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """(B, n, h, w) signed class maps for the classes (B, n): CAM, before any normalization.

        The mean of a map, plus the bias, is the score. Two forms differ: maps of MEAN_OF_SCORES hold the bias, and the
        score is the mean of their positive part; for MAXIMUM the score is the sum of each unit's largest value.
        """
        weights = self.weight[classes]
        if self.form is Form.MEAN_OF_SCORES:
            return torch.einsum("bnk,bkhw->bnhw", weights, maps) + self.bias[classes][..., None, None]
        scale, offset = self._per_image(maps)
        entering = self._entering(maps) - offset[..., None, None]
        return torch.einsum("bnk,bkhw->bnhw", weights * scale[:, None], entering)

    def contributions(self, maps: torch.Tensor, classes: torch.Tensor) -> Contributions:
        """What each unit adds to the scores of the classes (B, n) for maps (B, K, h, w)."""
        weights, bias = self.weight[classes], self.bias[classes]
        if self.form is Form.MEAN_OF_SCORES:
            # A cell counts where the score there is positive: then it is the sum of its units' shares.
            counts = (self.map_classes(maps, classes) > 0).to(maps.dtype)
            n_cells = counts.shape[2] * counts.shape[3]
            pooled = torch.einsum("bnhw,bkhw->bnk", counts, maps) / n_cells
            return Contributions(weights * pooled, bias * counts.mean(dim=(2, 3)))
        scale, offset = self._per_image(maps)
        return Contributions(weights * ((self.pool(maps) - offset) * scale)[:, None], bias)

    def _entering(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.clamp_min(0) if self.form is Form.RECTIFIED_MEAN else maps

    def _rectified_scores(self, maps: torch.Tensor) -> torch.Tensor:
        scores = torch.einsum("ck,bkhw->bchw", self.weight, maps) + self.bias[:, None, None]
        return scores.clamp_min_(0)

    def _per_image(self, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1) the factor that the norm gives an image, and what it takes away from each of its maps."""
        if self.norm is None:
            return maps.new_ones(len(maps), 1), maps.new_zeros(len(maps), 1)
        pooled = maps.mean(dim=(2, 3))
        variance, mean = torch.var_mean(pooled, dim=1, keepdim=True, correction=0)
        return (variance + self.norm.eps).rsqrt(), mean


def fold_batch_norm(head: Head, norm: nn.modules.batchnorm._BatchNorm) -> Head:
    """The head with a batch normalization between pool and last layer taken into weight and bias."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("This normalization keeps no statistics.")
    scale = (norm.running_var + norm.eps).rsqrt()
    shift = -norm.running_mean * scale
    if norm.weight is not None:
        scale, shift = scale * norm.weight, shift * norm.weight
    if norm.bias is not None:
        shift = shift + norm.bias
    return replace(head, weight=head.weight * scale, bias=head.bias + head.weight @ shift)


def fold_layer_norm(head: Head, norm: nn.LayerNorm) -> Head:
    """The head with a layer normalization between pool and last layer: scale and shift into weight and bias, the rest
    per image.
    """
    scale = norm.weight if norm.weight is not None else head.weight.new_ones(head.weight.shape[1])
    shift = norm.bias if norm.bias is not None else torch.zeros_like(scale)
    return replace(
        head,
        form=Form.NORMALIZED_MEAN,
        weight=head.weight * scale,
        bias=head.bias + head.weight @ shift,
        norm=Norm(scale=scale, shift=shift, eps=norm.eps),
    )
