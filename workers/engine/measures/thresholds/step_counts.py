"""A bound that counts tell: a value that at least so many of a unit's values reach."""

import torch

N_STEPS = 64


def _ordered(values: torch.Tensor) -> torch.Tensor:
    """Int64 numbers in the order of finite float32 values; the way back is its own."""
    bits = values.view(torch.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long()


class StepCounts:
    """Raises a lower bound by counts of each unit's values from `base` to `top` (U,) in N_STEPS steps.

    Above `top` the last step. Ordering what is kept tells the highest bound but takes long; counts tell one a few per
    cent lower at once, so that far fewer cells are kept. Exact: steps are taken on the bits of the floats.
    """

    def __init__(self, *, base: torch.Tensor, top: torch.Tensor, n_keep: int) -> None:
        self._n_keep = n_keep
        self.base = _ordered(base)
        span = (_ordered(top) - self.base).clamp(min=1)
        self.shift = (torch.log2(span.double() / N_STEPS).floor().clamp(min=-1) + 1).long()
        self.counts = torch.zeros((len(base), N_STEPS), dtype=torch.int64, device=base.device)

    def add(self, *, unit: torch.Tensor, value: torch.Tensor) -> None:
        """Count values, each over its unit's base. Every value over the latest bound must come."""
        unit = unit.long()
        step = (_ordered(value) - self.base.index_select(0, unit)) >> self.shift.index_select(0, unit)
        keys = step.clamp_(max=N_STEPS - 1).add_(unit * N_STEPS)
        self.counts += torch.bincount(keys, minlength=self.counts.numel()).view(-1, N_STEPS)

    def bound(self) -> torch.Tensor:
        """(U,) the highest step's edge that n_keep of the values reach; the base where fewer have come."""
        reached = self.counts.flip(1).cumsum(1).flip(1) >= self._n_keep
        step = (reached.sum(1) - 1).clamp(min=0)
        edge = (self.base + (step << self.shift)).int()
        return (edge ^ ((edge >> 31) & 0x7FFFFFFF)).view(torch.float32)
