"""What a read-out says of one photograph."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.readouts.linear import Weights

N_UNITS = 10
N_RANKED = 20


@dataclass(frozen=True)
class Wanted:
    """What is asked about the photograph: a `question`, and the `answer` that is explained in place of the first one,
    `against` another one.
    """

    question: str = ""
    answer: str = ""
    against: str = ""
    n_units: int = N_UNITS


@dataclass(frozen=True)
class Shown:
    """`weights` make the score that is mapped and shared out. `words` are what each word adds, for captions with the
    weights of its own map. `ranking`: the answers of highest score.
    `speaking`: of questions, the words, images and questions of the test that speak most for the answer, with scores.
    """

    prediction: str | float
    score: float
    weights: Weights
    image_score: float | None = None
    words: tuple["ShownWord", ...] | None = None
    against: str = ""
    ranking: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    speaking: dict[str, list[tuple[str, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class ShownWord:
    word: str
    score: float
    weights: Weights | None = None


def rank(names: list[str], scores: NDArray[np.float64]) -> tuple[dict[str, Any], ...]:
    """The answers of highest score, the first one first; ties by place."""
    order = np.argsort(-scores, kind="stable")[:N_RANKED]
    return tuple({"answer": names[place], "score": float(scores[place])} for place in order.tolist())
