"""Pure: workers whose answers do not depend on the unit: the same words, or the same precision, on most units.

For answers without planted negatives, such as imported ones. A worker is compared with the others: where most units
show sky, an attentive person says "sky" on most units too, and so do the others.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# With fewer units, nobody is judged: two or three equal answers happen to anybody.
MIN_UNITS = 4
# Of the worker's units, at least this share has the same answer, ...
MOST = 2 / 3
# ... and the share among the others' answers is lower by this much, ...
MIN_EXCESS = 0.3
# ... and it happens to a person who gives this answer as often as the others, or on one unit in five, with at most
# this probability.
LEAST_RATE = 0.2
MAX_PROBABILITY = 0.01

SAYS_NOTHING = "words that say nothing"
STOCK_WORDS = frozenset([
    "a", "all", "an", "any", "are", "asdf", "crop", "crops", "different", "don't", "done", "dont", "good", "great",
    "idk", "image", "images", "is", "it", "item", "items", "job", "know", "many", "n", "na", "nice", "no", "none",
    "not", "nothing", "object", "objects", "ok", "okay", "photo", "photos", "picture", "pictures", "same", "similar",
    "some", "stuff", "survey", "test", "the", "thing", "things", "this", "unknown", "various", "very", "yes",
])  # fmt: skip


@dataclass(frozen=True)
class GivenAnswer:
    worker: str
    unit: int
    description: str
    precision: float


def find_indifferent(answers: Sequence[GivenAnswer]) -> dict[str, str]:
    """Worker -> the reason in words. Nobody is judged alone: without others' answers there is nothing to compare."""
    found: dict[str, str] = {}
    by_worker: dict[str, list[GivenAnswer]] = {}
    for answer in answers:
        by_worker.setdefault(answer.worker, []).append(answer)
    for name, read in (("words", _read_words), ("precision", _read_precision)):
        totals = Counter(read(answer) for answer in answers)
        for worker, given in by_worker.items():
            if worker not in found and (repeated := _find_repeated(given, totals, read)):
                found[worker] = f"The same {name} on {repeated.n} of {len(given)} units: {repeated.text}."
    return found


@dataclass(frozen=True)
class _Repeated:
    text: str
    n: int


def _find_repeated(
    given: Sequence[GivenAnswer], totals: Mapping[str, int], read: Callable[[GivenAnswer], str]
) -> _Repeated | None:
    own = Counter(read(answer) for answer in given)
    text, n = min(own.items(), key=lambda item: (-item[1], item[0]))
    n_units, n_others = len(given), sum(totals.values()) - len(given)
    if n_units < MIN_UNITS or n < MOST * n_units or not n_others:
        return None
    rate = (totals[text] - n) / n_others
    is_rare = _find_tail(n, n_units, max(rate, LEAST_RATE)) <= MAX_PROBABILITY
    return _Repeated(text, n) if is_rare and n / n_units - rate >= MIN_EXCESS else None


def _find_tail(n: int, n_all: int, rate: float) -> float:
    """The probability of n or more of n_all."""
    return sum(math.comb(n_all, k) * rate**k * (1 - rate) ** (n_all - k) for k in range(n, n_all + 1))


def _read_words(answer: GivenAnswer) -> str:
    """Case and punctuation aside; phrases of stock words alone are one phrase."""
    words = _split(answer.description)
    return SAYS_NOTHING if says_nothing(answer.description) else f"“{' '.join(words)}”"


def says_nothing(description: str) -> bool:
    """True if each word is a stock word ("good picture"), or if there is none."""
    return all(word in STOCK_WORDS for word in _split(description))


def _split(description: str) -> list[str]:
    return re.findall(r"[\w']+", description.casefold())


def _read_precision(answer: GivenAnswer) -> str:
    return f"{answer.precision:.2f}"
