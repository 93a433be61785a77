"""What in an image makes a score: the gradient of the score with respect to the image, in three ways. [SVZ14], [ZF14],
[SDBR15]; docs/evidence.md, Views.

The three differ in how a ReLU is passed backward. Max pools are passed by their switches, and convolutions by the
transposed filters, in each of them: that is what a gradient does.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from workers.engine.evidence.names import BACK_PROPAGATION, DECONVOLUTION, GUIDED
from workers.engine.networks.checkpoints import NetworkError

# How the gradient g passes a ReLU backward whose input was between its bounds where `open` is true.
Pass = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
PASSES: Mapping[str, Pass] = {
    BACK_PROPAGATION: lambda g, is_open: g * is_open,
    DECONVOLUTION: lambda g, is_open: g.clamp_min(0),
    GUIDED: lambda g, is_open: g.clamp_min(0) * is_open,
}
_RELUS = {
    functional.relu, functional.relu_, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_,
}  # fmt: skip
SIX = 6.0


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, ceiling: float, passes: Pass) -> torch.Tensor:
        ctx.passes = passes
        ctx.save_for_backward((values > 0) & (values < ceiling))
        return values.clamp(0, ceiling)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (is_open,) = ctx.saved_tensors
        return ctx.passes(gradients[0], is_open), None, None


class Rectifying(TorchFunctionMode):
    """Within it, each ReLU and ReLU6 passes gradients backward as the method does; `n_relus` were met."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.passes, self.n_relus = PASSES[method], 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        ceiling = find_ceiling(func, args, given)
        if ceiling is None:
            return func(*args, **given)
        self.n_relus += 1
        rectify: Any = _Rectified.apply
        return rectify(args[0] if args else given["input"], ceiling, self.passes)


def find_ceiling(func: object, args: tuple[Any, ...], given: Mapping[str, Any]) -> float | None:
    """The largest value that a call of a ReLU gives; None if the call is none."""
    if func in _RELUS:
        return float("inf")
    if func is functional.relu6:
        return SIX
    if func in (functional.hardtanh, functional.hardtanh_):
        low = args[1] if len(args) > 1 else given.get("min_val", -1.0)
        high = args[2] if len(args) > 2 else given.get("max_val", 1.0)
        return float(high) if low == 0 else None
    return None


def differentiate(
    images: torch.Tensor, score: Callable[[torch.Tensor], torch.Tensor], *, method: str
) -> tuple[NDArray[np.float32], int]:
    """(H, W) largest absolute gradient over the channels of one image (1, 3, H, W), and how many ReLUs were met.

    `score` gives one value of the image. Raises NetworkError if the network computes no gradients.
    """
    with torch.enable_grad(), Rectifying(method) as rectifying:
        leaf = images.detach().clone().requires_grad_()
        value = score(leaf)
        if not value.requires_grad:
            raise NetworkError("The network computes no gradients with respect to the image.")
        (gradient,) = torch.autograd.grad(value, leaf)
    found = gradient[0].abs().amax(dim=0).float().cpu().numpy()
    if not np.isfinite(found).all():
        raise NetworkError("For this photograph the network gives gradients that are not finite numbers.")
    return np.asarray(found, dtype=np.float32), rectifying.n_relus


def correlate_ranks(one: NDArray[np.floating], other: NDArray[np.floating]) -> float | None:
    """Spearman's correlation of the absolute values of two pictures; None if either has one value everywhere."""
    ranks = [rank(np.abs(values).ravel()) for values in (one, other)]
    deviations = [values - values.mean() for values in ranks]
    sizes = [float(np.sqrt((values**2).sum())) for values in deviations]
    return float((deviations[0] * deviations[1]).sum()) / (sizes[0] * sizes[1]) if all(sizes) else None


def rank(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks from 0; equal values have the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray(((ends - counts + ends - 1) / 2.0)[places], dtype=np.float64)


def scale_to_bytes(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Absolute values relative to the largest one, as 0 to 255."""
    absolute = np.abs(picture)
    return np.asarray(np.round(255 * absolute / max(float(absolute.max()), 1e-12)), dtype=np.uint8)
