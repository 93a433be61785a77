"""How many units of its layer a unit stands for that people were asked about: pure (docs/measures.md, Layer figures).

[Horvitz and Thompson 1952]: a unit that was chosen with probability p stands for 1 / p units. Units that were chosen
alike make a stratum; if some of them have no label yet, the others stand for these, too.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.crowd.campaigns.unit_choice import NAMED
from workers.engine.plurals import say_count

# The strata's sizes are sums of 1 / p, which add up to the layer exactly.
NEAR = 0.5
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Chosen:
    """`because` and `probability` as `ChosenUnit` has them; "" and None if they are not recorded."""

    unit_id: int
    because: str
    probability: float | None

    @property
    def reason(self) -> str:
        return self.because or NOT_RECORDED


@dataclass(frozen=True)
class Sample:
    """Of the labeled units, in their order: how many units each stands for, and the number of its stratum.

    `weights` is None if nothing follows for the layer; `how` says in a sentence how they were found, or why not.
    """

    weights: NDArray[np.float64] | None
    strata: NDArray[np.int64]
    how: str

    @property
    def has_interval(self) -> bool:
        """One unit that stands for several says nothing of how much these differ."""
        if self.weights is None:
            return False
        sizes = np.bincount(self.strata)
        return not np.any((sizes[self.strata] == 1) & (self.weights > 1))


def weigh_units(chosen: Sequence[Chosen], *, labeled: Sequence[int], n_units: int) -> Sample:
    """`chosen`: the units that people were asked about; `labeled`: ids of those among them that have a label.

    `n_units`: the units of the layer that people can be asked about.
    """
    none = np.zeros(len(labeled), dtype=np.int64)
    if len({one.unit_id for one in chosen} | set(labeled)) >= n_units:
        how = f"Every unit of the layer was asked about; {len(labeled)} of {n_units} have a label."
        return Sample(np.full(len(labeled), max(1.0, n_units / len(labeled))), none, how)
    known = {one.unit_id: one for one in chosen if one.probability is not None}
    sizes = Counter[tuple[str, float]]()
    for one in known.values():
        sizes[_stratum(one)] += 1 / one.probability  # type: ignore[operator,assignment]
    found = Counter(_stratum(known[unit]) for unit in labeled if unit in known)
    if abs(sizes.total() - n_units) > NEAR or set(found) != set(sizes):
        return Sample(None, none, _explain_gap(chosen, labeled, n_units))
    order = {stratum: number for number, stratum in enumerate(sizes)}
    of_draw = [unit in known for unit in labeled]
    weights = [sizes[s] / found[s] if (s := _find(known, unit)) else 0.0 for unit in labeled]
    strata = [order[s] if (s := _find(known, unit)) else len(order) for unit in labeled]
    how = f"Weighted by how the units were chosen: {_count_reasons(chosen)}."
    if not all(of_draw):
        by_hand = say_count(of_draw.count(False), "unit that was", "units that were")
        how += f" The {by_hand} chosen by hand have no part in it."
    return Sample(np.array(weights), np.array(strata, dtype=np.int64), how)


def _stratum(one: Chosen) -> tuple[str, float]:
    return one.because, one.probability or 0.0


def _find(known: dict[int, Chosen], unit: int) -> tuple[str, float] | None:
    return _stratum(known[unit]) if unit in known else None


def _count_reasons(chosen: Collection[Chosen]) -> str:
    counts = Counter(one.reason for one in chosen)
    return ", ".join(f"{n} {reason}" for reason, n in counts.items())


def _explain_gap(chosen: Sequence[Chosen], labeled: Sequence[int], n_units: int) -> str:
    start = f"No figure of the layer: {len(labeled)} of {say_count(n_units, 'unit')} with a label"
    reasons = {one.reason for one in chosen}
    if NOT_RECORDED in reasons or any(one.probability is None and one.because != NAMED for one in chosen):
        return f"{start}, and with what probability they were chosen was not recorded."
    if reasons == {NAMED}:
        return f"{start}, and these were chosen by hand."
    return f"{start} ({_count_reasons(chosen)}), which are no random sample of it."
