"""The dense maps of some (image, unit) pairs of a batch, gathered once for whoever wants them."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class DensePairs:
    """Pairs sorted by their image's row in the batch, then unit: `image` (index in the set), `row`, `unit` (P,) and
    `maps` (P, h, w).
    """

    image: torch.Tensor
    row: torch.Tensor
    unit: torch.Tensor
    maps: torch.Tensor

    def above(self, bound: torch.Tensor) -> torch.Tensor:
        """(P, h, w) flags of the values over their unit's (U,) bound."""
        return self.maps > bound[self.unit][:, None, None]

    def edges(self) -> torch.Tensor:
        """(P + 1,) where each map begins, and the last ends, when they lie in one line."""
        n_cells = self.maps.shape[1] * self.maps.shape[2]
        return torch.arange(len(self.unit) + 1, device=self.unit.device) * n_cells


def lay_in_lines(maps: torch.Tensor) -> torch.Tensor:
    """(B, h x w, U) of (B, U, h, w) maps; without a copy if they lie channels-last in memory, or in their own order."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


def gather_pairs(*, images: torch.Tensor, maps: torch.Tensor, wanted: torch.Tensor) -> DensePairs:
    """The pairs flagged in (B, U) `wanted`, of image indices (B,) and maps (B, U, h, w)."""
    row, unit = wanted.nonzero(as_tuple=True)
    return DensePairs(image=images[row], row=row, unit=unit, maps=maps[row, unit])
