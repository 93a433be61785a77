"""The simulated people: who they are, how well they work, and their random numbers.

Everything a person does follows from (seed, the person's name, the content of the pictures). Ids, order and time have
no effect, so the same pictures get the same answers after any interruption.
"""

import hashlib
from dataclasses import dataclass

# The marketplace marks people whose names begin with this as simulated.
NAME_PREFIX = "simulated-"


@dataclass(frozen=True)
class Temper:
    """A kind of person. Rates are probabilities; `n_people` of this kind work on a campaign."""

    name: str
    n_people: int
    looks: bool  # whether the person looks at the crops at all
    miss: float  # leave a crop unmarked that does not fit
    false_mark: float  # mark a crop that fits
    second_choice: float  # name the second best label
    other_word: float  # use a rarer word or the plural
    typo: float  # mistype the word
    wrong_category: float  # choose another category than fits the word
    active_seconds: float  # mean time on a page


# Everything that the demo assumes about people.
TEMPERS = (
    Temper("careful", 7, True, 0.04, 0.02, 0.03, 0.4, 0.02, 0.04, 110.0),
    Temper("hurried", 4, True, 0.2, 0.05, 0.12, 0.3, 0.08, 0.12, 48.0),
    Temper("careless", 1, False, 0.97, 0.03, 0.0, 0.0, 0.05, 0.0, 14.0),
)


@dataclass(frozen=True)
class Person:
    """One simulated person."""

    name: str
    temper: Temper


def gather_people(*, n_people: int) -> tuple[Person, ...]:
    """The people; each temper has its share of `n_people` over all tempers."""
    order = [temper for temper in TEMPERS for _ in range(temper.n_people)]
    chosen = [order[i * len(order) // n_people % len(order)] for i in range(n_people)]
    counts = {temper.name: 0 for temper in TEMPERS}
    people = []
    for temper in chosen:
        counts[temper.name] += 1
        people.append(Person(f"{NAME_PREFIX}{temper.name}-{counts[temper.name]}", temper))
    return tuple(people)


def draw(*parts: object) -> float:
    """A number in [0, 1) that depends only on the parts."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def rank_people(people: tuple[Person, ...], *, seed: int, picture_key: str) -> tuple[Person, ...]:
    """The order in which people would take a HIT with these images."""
    return tuple(sorted(people, key=lambda person: (draw(seed, person.name, "keen", picture_key), person.name)))
