"""Pure: workers whose answers do not depend on the unit: the same words, or the same precision, on most units.

For answers without planted negatives, such as imported ones. A worker is compared with the others who answered about
the same units: where most units show sky, an attentive person says "sky" on most units too, and so do the others.
Words are compared by what they name ("sky", "blue sky"), so that nobody is judged by their spelling.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from workers.engine.plurals import say_count

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
# Words follow the units if this share of the others' answers about the same units names the same, ...
MIN_AGREEMENT = 0.5
# ... or a share that is higher by this much than among the others' answers about other units.
MIN_AGREEMENT_EXCESS = 0.2

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


@dataclass(frozen=True)
class WordComparison:
    """How descriptions are compared. `name`: what a description names; `are_same`: whether two names mean the same
    thing, or one a kind of the other.
    """

    name: Callable[[str], str]
    are_same: Callable[[str, str], bool]


# Word for word.
AS_WRITTEN = WordComparison(name=lambda description: " ".join(_split(description)), are_same=str.__eq__)
Same = Callable[[str, str], bool]


@dataclass(frozen=True)
class _Read:
    """One answer, read as words or as precision."""

    worker: str
    unit: int
    text: str


def find_indifferent(answers: Sequence[GivenAnswer], words: WordComparison) -> dict[str, str]:
    """Worker -> the reason in words. Nobody is judged alone: without others' answers there is nothing to compare.

    The same precision tells nothing of somebody whose words follow the units.
    """
    said = _Given(_Read(one.worker, one.unit, _read_words(one.description, words)) for one in answers)
    given = _Given(_Read(one.worker, one.unit, f"{one.precision:.2f}") for one in answers)
    found: dict[str, str] = {}
    for worker, own in said.by_worker.items():
        if repeated := _find_repeated(said, worker, words.are_same):
            shown = repeated.text if repeated.text == SAYS_NOTHING else f"“{repeated.text}”"
            found[worker] = f"The same words on {repeated.n} of {say_count(len(own), 'unit')}: {shown}."
            continue
        repeated = _find_repeated(given, worker, str.__eq__)
        if repeated and not _follow_units(said, worker, words.are_same):
            found[worker] = f"The same precision on {repeated.n} of {say_count(len(own), 'unit')}: {repeated.text}."
    return found


class _Given:
    """All answers, by worker and by unit."""

    def __init__(self, answers: Iterable[_Read]) -> None:
        self.by_worker: dict[str, list[_Read]] = {}
        self.by_unit: dict[int, list[_Read]] = {}
        self.counts = Counter[str]()
        for answer in answers:
            self.by_worker.setdefault(answer.worker, []).append(answer)
            self.by_unit.setdefault(answer.unit, []).append(answer)
            self.counts[answer.text] += 1

    def count_others(self, worker: str) -> Counter[str]:
        return self.counts - Counter(answer.text for answer in self.by_worker[worker])

    def count_beside(self, worker: str, unit: int) -> Counter[str]:
        """The others' answers about the unit."""
        return Counter(answer.text for answer in self.by_unit[unit] if answer.worker != worker)


@dataclass(frozen=True)
class _Repeated:
    text: str
    n: int


def _find_repeated(given: _Given, worker: str, are_same: Same) -> _Repeated | None:
    """The others are those who answered about the same units; if there are none, all others."""
    own = given.by_worker[worker]
    text, n = min(Counter(answer.text for answer in own).items(), key=lambda item: (-item[1], item[0]))
    n_units = len(own)
    if n_units < MIN_UNITS or n < MOST * n_units:
        return None
    beside = Counter[str]()
    for unit in {answer.unit for answer in own}:
        beside.update(given.count_beside(worker, unit))
    others = beside or given.count_others(worker)
    if not others:
        return None
    rate = _find_share(text, others, are_same)
    is_rare = _find_tail(n, n_units, max(rate, LEAST_RATE)) <= MAX_PROBABILITY
    return _Repeated(text, n) if is_rare and n / n_units - rate >= MIN_EXCESS else None


def _find_share(text: str, counts: Mapping[str, int], are_same: Same) -> float:
    """Of the counted texts, the share that is the same; 0 if there are none."""
    n = sum(counts.values())
    return sum(k for other, k in counts.items() if other == text or are_same(text, other)) / n if n else 0.0


def _follow_units(said: _Given, worker: str, are_same: Same) -> bool:
    """True if the words agree with the others' about the same units: mostly, or more than about other units."""
    others = said.count_others(worker)
    beside = [(answer.text, said.count_beside(worker, answer.unit)) for answer in said.by_worker[worker]]
    shared = [(text, counts) for text, counts in beside if counts]
    if not shared:
        return False
    here = there = 0.0
    for text, counts in shared:
        if text != SAYS_NOTHING:
            here += _find_share(text, counts, are_same) / len(shared)
            there += _find_share(text, others - counts, are_same) / len(shared)
    return here >= MIN_AGREEMENT or here - there >= MIN_AGREEMENT_EXCESS


def _find_tail(n: int, n_all: int, rate: float) -> float:
    """The probability of n or more of n_all."""
    return sum(math.comb(n_all, k) * rate**k * (1 - rate) ** (n_all - k) for k in range(n, n_all + 1))


def _read_words(description: str, words: WordComparison) -> str:
    """What is named; phrases of stock words alone are one phrase. What names nothing else is kept as it is."""
    if says_nothing(description):
        return SAYS_NOTHING
    return words.name(description) or " ".join(_split(description))


def says_nothing(description: str) -> bool:
    """True if each word is a stock word ("good picture"), or if there is none."""
    return all(word in STOCK_WORDS for word in _split(description))


def _split(description: str) -> list[str]:
    """Words, with the marks that combine with their letters."""
    kept = (character if _is_of_word(character) else " " for character in description.casefold())
    return "".join(kept).split()


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character in "_'" or unicodedata.category(character)[0] == "M"
