"""Who says the same of most units while others do not is found; who names what is there is not."""

import random
from collections.abc import Callable

import pytest

from annotator.crowd.judging.indifference import (
    AS_WRITTEN,
    MIN_UNITS,
    SAYS_NOTHING,
    GivenAnswer,
    WordComparison,
    find_indifferent,
)
from annotator.labels.concepts import build_vocabulary
from annotator.labels.labeling import compare_names
from annotator.labels.lexicon import load_lexicon

WORDS = ("dog", "sky", "tree", "water", "house", "wheel", "stripes", "face")
Say = Callable[[int, random.Random], tuple[str, float]]


def attentive(unit: int, draw: random.Random) -> tuple[str, float]:
    """Names the unit's own word, mostly, with a precision of their own."""
    return (WORDS[unit % 8] if draw.random() < 0.8 else draw.choice(WORDS)), round(draw.uniform(0.4, 1), 3)


def ask(people: dict[str, Say], *, n_units: int = 30) -> dict[str, str]:
    draw = random.Random(5)
    answers = []
    for name, say in people.items():
        for unit in range(n_units):
            description, precision = say(unit, draw)
            answers.append(GivenAnswer(worker=name, unit=unit, description=description, precision=precision))
    return find_indifferent(answers, AS_WRITTEN)


@pytest.mark.parametrize(
    "blanket",
    [
        lambda unit, draw: ("good picture", draw.uniform(0.2, 1)),
        lambda unit, draw: (draw.choice(["Nice!", "good", "ok", "n/a", "???"]), draw.uniform(0.2, 1)),
        lambda unit, draw: ("Sky." if unit % 4 else "sea", draw.uniform(0.2, 1)),
        lambda unit, draw: (draw.choice(WORDS), 1.0),
        lambda unit, draw: (draw.choice(WORDS), 0.5 if unit % 5 else draw.uniform(0, 1)),
    ],
)
def test_who_answers_alike_whatever_is_shown_is_found(blanket: Say) -> None:
    assert list(ask({"ann": attentive, "bob": attentive, "spam": blanket})) == ["spam"]


def test_the_reason_says_what_and_on_how_many_units() -> None:
    found = ask({"ann": attentive, "spam": lambda unit, draw: ("great", 1.0)})
    assert found == {"spam": f"The same words on 30 of 30 units: {SAYS_NOTHING}."}


def test_two_who_do_not_look_are_both_found() -> None:
    found = ask({"ann": attentive, "x": lambda unit, draw: ("sky", 0.9), "y": lambda unit, draw: ("sky", 0.9)})
    assert sorted(found) == ["x", "y"]


@pytest.mark.parametrize(
    "people",
    [
        # A layer that is about the sky: everybody says so.
        {name: lambda unit, draw: ("sky", round(draw.uniform(0.4, 1), 3)) for name in "abc"},
        # A file that gives no precision of its own.
        {name: lambda unit, draw: (attentive(unit, draw)[0], 1.0) for name in "abc"},
        # Somebody lenient: half of the crops of a clean layer all fit.
        {"ann": attentive, "kind": lambda unit, draw: (attentive(unit, draw)[0], draw.choice([1.0, 0.93, 0.88, 1.0]))},
        # Nobody to compare with.
        {"alone": lambda unit, draw: ("sky", 1.0)},
    ],
)
def test_who_names_what_is_there_stays(people: dict[str, Say]) -> None:
    assert ask(people) == {}


def test_with_few_units_nobody_is_judged() -> None:
    people: dict[str, Say] = {"ann": attentive, "bob": attentive, "spam": lambda unit, draw: ("good", 1.0)}
    assert ask(people, n_units=MIN_UNITS - 1) == {}
    assert list(ask(people, n_units=MIN_UNITS)) == ["spam"]


# Each person's words about the six units of a layer.
LAYERS = [
    [["sky"] * 6, ["blue sky"] * 6, ["the sky"] * 6],
    [["car"] * 6, ["cars"] * 6, ["Cars!"] * 6],
    [["automobile"] * 6, ["car"] * 6, ["red cars"] * 6],
    [["street"] * 6, ["road", "roads", "the road"] * 2, ["grey roads"] * 6],
]


@pytest.mark.parametrize("layer", LAYERS)
def test_words_that_name_the_same_in_other_ways_are_the_same(layer: list[list[str]]) -> None:
    answers = [
        GivenAnswer(worker=f"w{i}", unit=unit, description=said, precision=0.5 + unit / 20 + i / 100)
        for i, given in enumerate(layer)
        for unit, said in enumerate(given)
    ]
    assert find_indifferent(answers, compare_by_lexicon()) == {}


def compare_by_lexicon() -> WordComparison:
    return compare_names(build_vocabulary(descriptions=[], labels=["sky", "dog"], lexicon=load_lexicon()))


def test_who_keeps_all_crops_and_names_what_the_others_name_stays() -> None:
    def say(precision: float) -> Say:
        return lambda unit, draw: (WORDS[unit % 8], precision or round(draw.uniform(0.4, 1), 3))

    assert ask({"kind": say(1.0), "ann": say(0), "bea": say(0)}, n_units=6) == {}


def test_others_are_those_who_answered_about_the_same_units() -> None:
    """Ann was shown the units of the sky only."""
    answers = [
        GivenAnswer(
            worker=name, unit=unit, description="sky" if unit < 6 else f"thing{unit}", precision=0.4 + unit / 60
        )
        for name, n_units in (("ann", 6), ("bea", 30), ("cem", 30))
        for unit in range(n_units)
    ]
    assert find_indifferent(answers, AS_WRITTEN) == {}


def test_words_with_combining_marks_are_whole() -> None:
    assert AS_WRITTEN.name("नीला पानी!") == "नीला पानी"
