"""Pure: decides if one more answer about a unit is needed.

The category is settled when its answers lead all others together by two: two of two, three of four. One voice more
could not turn that. The concept is settled when two people said the same.
"""

from dataclasses import dataclass

LEAD = 2
SAME_WORDS = 2


@dataclass(frozen=True)
class Standing:
    """The answers about one unit so far."""

    n_answers: int
    n_same_category: int
    n_same_concept: int
    precision_low: float
    precision_high: float


def find_doubt(standing: Standing, *, widest: float | None) -> str | None:
    """The doubt in words, or None. `widest`: the widest 95 % interval of precision that is good enough."""
    n_other = standing.n_answers - standing.n_same_category
    if standing.n_same_category - n_other < LEAD:
        return f"category: {standing.n_same_category} of {standing.n_answers} agree"
    if standing.n_same_concept < SAME_WORDS:
        return "concept: no two people say the same"
    width = standing.precision_high - standing.precision_low
    if widest is not None and width > widest:
        return f"precision: the interval is {width:.2f} wide"
    return None
