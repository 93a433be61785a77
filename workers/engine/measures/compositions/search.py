"""Beam search for the formula of labels whose pixels overlap most with a unit's mask [MA20]."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Length as in docs/measures.md; beam and number of labels tried are our choice.
MAX_LENGTH, BEAM, N_TRIED = 3, 10, 50


@dataclass(frozen=True)
class Formula:
    """`columns`: labels' places; `joints`: places in JOINTS; `holds` (P,) the sets of labels that it holds on."""

    columns: tuple[int, ...]
    joints: tuple[int, ...]
    iou: float
    holds: NDArray[np.bool_]


def find_formula(inside: Array, overall: Array, holds: NDArray[np.bool_], *, area: float) -> Formula | None:
    """The best formula; of equal ones the shorter. None if no label meets the mask.

    `inside` (P,): pixels of each set under the unit's mask; `overall` (P,): pixels of each set; `area`: of the mask.
    """
    flags = holds.astype(np.float64)
    within, total = inside @ flags, overall @ flags
    iou = _divide(within, area, total)
    tried = np.argsort(-iou, kind="stable")[:N_TRIED]
    tried = tried[iou[tried] > 0]
    if not len(tried):
        return None
    beam = [Formula((int(c),), (), float(iou[c]), holds[:, c]) for c in tried[:BEAM]]
    best = beam[0]
    for _ in range(MAX_LENGTH - 1):
        beam = _grow(beam, inside, overall, holds[:, tried], tried, area)
        if beam and beam[0].iou > best.iou:
            best = beam[0]
    return best


def _grow(
    beam: list[Formula], inside: Array, overall: Array, holds: NDArray[np.bool_], tried: NDArray[np.intp], area: float
) -> list[Formula]:
    """Every formula of the beam joined with every label that it does not hold yet; the best of them."""
    flags = holds.astype(np.float64)
    found: list[tuple[float, Formula, int, int]] = []
    for one in beam:
        sides = []
        for pixels in (inside, overall):
            own, each, both = pixels @ one.holds, pixels @ flags, (pixels * one.holds) @ flags
            sides.append(np.stack([both, own + each - both, own - both]))
        iou = _divide(sides[0], area, sides[1])
        iou[:, [place for place, column in enumerate(tried) if column in one.columns]] = -1
        order = np.argsort(-iou, axis=None, kind="stable")[:BEAM]
        found += [(float(iou.flat[at]), one, *divmod(int(at), len(tried))) for at in order if iou.flat[at] > 0]
    found.sort(key=lambda row: -row[0])
    return [_join(one, joint, int(tried[at]), holds[:, at], iou) for iou, one, joint, at in found[:BEAM]]


def _join(one: Formula, joint: int, column: int, holds: NDArray[np.bool_], iou: float) -> Formula:
    joined = (one.holds & holds, one.holds | holds, one.holds & ~holds)[joint]
    return Formula((*one.columns, column), (*one.joints, joint), iou, joined)


def _divide(within: Array, area: float, total: Array) -> Array:
    return np.asarray(within / np.maximum(area + total - within, 1))
