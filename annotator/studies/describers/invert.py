"""INVERT [BKNKH23]: the formula of concepts whose images have the highest area under the curve of a unit's activation.

Formulas grow by beam search: each of the best BEAM is joined with every concept by AND, OR, AND NOT. Only formulas
that hold on .35 percent to half of the images count (alpha and beta of the paper's figure 1 and equation 6): what holds
on one image alone nearly always has an area near 1, and says nothing. Length and beam are our choice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.studies.describers.areas import compute_areas, find_areas, rank_units
from annotator.studies.describers.given import Array, CannotDescribe, Given, Told

MAX_LENGTH, BEAM = 3, 3
SMALLEST_SHARE, LARGEST_SHARE = 0.0035, 0.5
# Areas are sums in single precision: a smaller gain is none.
LEAST_GAIN = 1e-5
JOINTS = ("AND", "OR", "AND NOT")


@dataclass(frozen=True)
class _Formula:
    """`holds` (n_images,) float32 0 or 1; `concepts` are those it is made of."""

    text: str
    area: float
    holds: NDArray[np.float32]
    concepts: frozenset[int]


def describe_by_areas(given: Given) -> list[Told]:
    """One formula per unit, with its area under the curve."""
    holds = given.holds
    n_held = holds.sum(axis=0)
    usable = np.flatnonzero(_is_allowed(n_held, n_images=len(holds)))
    if not len(usable):
        raise CannotDescribe(
            f"No concept holds on at least {SMALLEST_SHARE:.2%} and at most {LARGEST_SHARE:.0%} of the images."
        )
    known = holds[:, usable].astype(np.float32)
    names = [given.names[place] for place in usable]
    ranks = rank_units(given.activations)
    areas = compute_areas(ranks, holds[:, usable])
    return [_describe(ranks[unit], known, names, areas[unit]) for unit in range(len(ranks))]


def _is_allowed(n_held: Array, *, n_images: int) -> NDArray[np.bool_]:
    """True for each number of images on which a formula may hold."""
    allowed: NDArray[np.bool_] = (n_held >= max(SMALLEST_SHARE * n_images, 1)) & (n_held <= LARGEST_SHARE * n_images)
    return allowed


def _describe(ranks: NDArray[np.float32], known: NDArray[np.float32], names: list[str], areas: Array) -> Told:
    first = np.argsort(-areas, kind="stable")[:BEAM]
    beam = [_Formula(names[c], float(areas[c]), known[:, c], frozenset([int(c)])) for c in first]
    best = beam[0]
    for _ in range(MAX_LENGTH - 1):
        beam = _grow(beam, ranks, known, names)
        # A longer formula must say more.
        if beam and beam[0].area > best.area + LEAST_GAIN:
            best = beam[0]
    return Told(best.text, best.area, {"length": len(best.concepts)})


def _grow(
    beam: list[_Formula], ranks: NDArray[np.float32], known: NDArray[np.float32], names: list[str]
) -> list[_Formula]:
    """The best formulas that are one concept longer; equal areas in the order of joint, beam and concept."""
    if not beam:
        return []
    flags = np.stack([one.holds for one in beam])
    of_concepts, n_of_concepts = _sum_up(ranks[None], known), known.sum(axis=0, dtype=np.float64)
    of_beam, n_of_beam = flags @ ranks, flags.sum(axis=1, dtype=np.float64)
    both, n_both = _sum_up(flags * ranks, known), _sum_up(flags, known)
    sums = np.stack([both, of_beam[:, None] + of_concepts - both, of_beam[:, None] - both])
    counts = np.stack([n_both, n_of_beam[:, None] + n_of_concepts - n_both, n_of_beam[:, None] - n_both])
    areas = find_areas(sums, counts, n_images=len(ranks))
    areas[~_is_allowed(counts, n_images=len(ranks))] = -1
    for place, one in enumerate(beam):
        areas[:, place, sorted(one.concepts)] = -1
    order = np.argsort(-areas, axis=None, kind="stable")[:BEAM]
    chosen = zip(*np.unravel_index(order, areas.shape), strict=True)
    return [
        _join(beam[b], JOINTS[j], int(c), names[c], known[:, c], float(areas[j, b, c]))
        for j, b, c in chosen
        if areas[j, b, c] >= 0
    ]


def _sum_up(weights: NDArray[np.float32], known: NDArray[np.float32]) -> Array:
    """(len(weights), n_concepts) sums over images."""
    return np.asarray(weights @ known, dtype=np.float64)


def _join(one: _Formula, joint: str, concept: int, name: str, holds: NDArray[np.float32], area: float) -> _Formula:
    left = f"({one.text})" if len(one.concepts) > 1 else one.text
    joined = {"AND": one.holds * holds, "OR": np.maximum(one.holds, holds), "AND NOT": one.holds * (1 - holds)}[joint]
    return _Formula(f"{left} {joint} {name}", area, joined, one.concepts | {concept})
