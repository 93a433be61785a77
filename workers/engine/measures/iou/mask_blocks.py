"""The blocks of pixels that masks are evaluated on: between four cells of which one lies over the unit's threshold.

A bilinear value is a convex combination of its four corners, so no pixel elsewhere can be part of the mask.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.networks.geometry import AxisPlan, lerp

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class MaskBlocks:
    """Blocks of pixels between four cells: `pair`, first row and column; at pixel (y, x) of block b the value is
    upper[x, b] + down[y, b] x rise[x, b], the mask where it exceeds limit[b]. The rise is 0 where it does not decide.
    """

    pair: Integers
    row: Integers
    column: Integers
    upper: NDArray[np.float32]
    rise: NDArray[np.float32]
    down: NDArray[np.float32]
    limit: NDArray[np.float32]


def find_blocks(dense: NDArray[np.float32], limit: NDArray[np.float32], plans: tuple[AxisPlan, AxisPlan]) -> MaskBlocks:
    """The blocks with a corner over its pair's limit, in the order of pairs."""
    rows, columns = plans
    n_rows, n_columns = dense.shape[1:]
    place = np.flatnonzero(_squares(dense > limit[:, None, None]))
    square, column = _divided(place, n_columns + 1)
    pair, row = _divided(square, n_rows + 1)
    (pair, column), band = _bands(rows, n_rows, row, [pair, column])
    (pair, band), strip = _bands(columns, n_columns, column, [pair, band])
    corner = pair * (n_rows * n_columns)
    top, bottom = corner + rows.lower[band] * n_columns, corner + rows.upper[band] * n_columns
    left, right = columns.lower[strip], columns.upper[strip]
    flat = dense.ravel()
    # Blocks lie along the last axis, so that every operation runs over long lines.
    across = np.ascontiguousarray(columns.weights.T).take(strip, axis=1)
    upper = lerp(flat.take(top + left), flat.take(top + right), across)
    lower = lerp(flat.take(bottom + left), flat.take(bottom + right), across)
    # Between two values on the same side of the limit, every pixel is on that side, whatever the rounding.
    is_mixed = (upper > limit[pair]) != (lower > limit[pair])
    return MaskBlocks(
        pair=pair,
        row=rows.start[band],
        column=columns.start[strip],
        upper=upper,
        rise=np.where(is_mixed, lower - upper, np.float32(0)),
        down=np.ascontiguousarray(rows.weights.T).take(band, axis=1),
        limit=limit[pair],
    )


def _divided(numbers: Integers, by: int) -> tuple[Integers, Integers]:
    """Whole quotients and remainders, in a fraction of np.divmod's time."""
    quotient = numbers // by
    return quotient, numbers - quotient * by


def _squares(above: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(P, h + 1, w + 1): whether one of the cells (y - 1, x - 1) to (y, x) of (P, h, w) flags is set; outside the map
    there are none.
    """
    n_pairs, height, width = above.shape
    framed = np.zeros((n_pairs, height + 1, width + 1), dtype=bool)
    framed[:, :height, :width] = above
    line = framed.ravel()
    across = line.copy()
    across[1:] |= line[:-1]
    squares = across.copy()
    squares[width + 1 :] |= across[: -width - 1]
    return squares


def _bands(plan: AxisPlan, n_cells: int, square: Integers, others: list[Integers]) -> tuple[list[Integers], Integers]:
    """The plan's bands in each of the squares, which end at cell `square`: none, one, or, beyond the outermost cells,
    several. `others` are repeated alike.
    """
    clamped = np.where(plan.lower == 0, 0, n_cells)
    number = np.where(plan.lower == plan.upper, clamped, plan.upper)
    counts = np.bincount(number, minlength=n_cells + 1)
    firsts = np.cumsum(counts) - counts
    n_bands = counts[square]
    last = np.cumsum(n_bands)
    band = np.repeat(firsts[square] - last + n_bands, n_bands) + np.arange(last[-1] if len(last) else 0)
    return [np.repeat(one, n_bands) for one in others], band
