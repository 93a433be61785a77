"""From people's words to concepts: the traps that published answers hold, and every step kept."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.labels.concepts import Vocabulary, build_vocabulary, clean_label, normalize_description
from annotator.labels.lexicon import load_lexicon

LABELS = ("pool table", "cemetery-s", "windowpane", "polka-dotted", "red-c", "bus", "billiard-s", "waterfall-fan-s")


def make_vocabulary(descriptions: Sequence[str] = ()) -> Vocabulary:
    return build_vocabulary(descriptions=descriptions, labels=LABELS, lexicon=load_lexicon())


@pytest.mark.parametrize(
    ("said", "form", "head"),
    [
        ("Pool Table", "pool table", "pool table"),
        ("cementery", "cemetery", "cemetery"),
        ("billard table", "billiard table", "billiard table"),
        ("all images contain water", "water", "water"),
        ("Pictures of trees", "tree", "tree"),
        ("windows", "window", "window"),
        ("window pane", "window pane", "window pane"),
        ("bus", "bus", "bus"),
        ("buses", "bus", "bus"),
        ("glass", "glass", "glass"),
        ("human face(s)", "human face", "human face"),
        ("color green", "green", "green"),
        ("the color red", "red", "red"),
        ("Red Objects", "red", "red"),
        ("striped pattern", "striped", "striped"),
        ("the work surface", "work surface", "work surface"),
        ("black/white", "black and white", "black and white"),
        ("white and black", "black and white", "black and white"),
        ("black and white stripes", "stripe", "stripe"),
        ("Sofas/Couch/Chairs", "sofa", "sofa"),
        ("manmade, structure, travel", "structure", "structure"),
        ("yellow trains", "yellow train", "train"),
        ("tower against sky", "tower", "tower"),
        ("tree's", "tree", "tree"),
        ("there are some boats", "boat", "boat"),
        ("leaves", "leaf", "leaf"),
        ("", "", ""),
        ("?!", "", ""),
    ],
)
def test_people_mean_what_they_mean(said: str, form: str, head: str) -> None:
    concept = normalize_description(said, vocabulary=make_vocabulary())
    assert (concept.form, concept.head) == (form, head)


def test_every_step_is_kept_with_its_rule() -> None:
    steps = normalize_description("All images contain cementery Walls", vocabulary=make_vocabulary()).steps
    assert [(step.rule, step.after) for step in steps] == [
        ("case and punctuation", "all images contain cementery walls"),
        ("spelling", "all images contain cemetery walls"),
        ("what is shown", "cemetery walls"),
        ("plural", "cemetery wall"),
        ("head noun", "wall"),
    ]
    assert all(before.after == after.before for before, after in pairwise(steps))


@pytest.mark.parametrize("word", ["plate", "point", "sport", "potted", "arched", "flowering", "setting", "cloudy"])
def test_right_words_are_not_corrected_into_frequent_neighbors(word: str) -> None:
    crowd = ["plane", "print", "spot", "pitted", "arches", "flooring", "seating", "clouds"] * 9
    assert normalize_description(word, vocabulary=make_vocabulary(crowd)).form.startswith(word[:4])
    assert not any(s.rule == "spelling" for s in normalize_description(word, vocabulary=make_vocabulary(crowd)).steps)


def test_the_campaigns_own_frequent_word_corrects_a_rare_one() -> None:
    vocabulary = make_vocabulary(["zeppelin"] * 3 + ["zepelin"])
    assert normalize_description("zepelin", vocabulary=vocabulary).form == "zeppelin"


def test_a_word_that_few_use_corrects_nothing() -> None:
    assert normalize_description("zepelin", vocabulary=make_vocabulary(["zeppelin", "zepelin"])).form == "zepelin"


def test_brodens_labels_become_words() -> None:
    cleaned = [clean_label(label) for label in ("dining_room-s", "red-c", "polka-dotted", "waterfall-fan-s")]
    assert cleaned == ["dining room", "red", "polka dotted", "waterfall fan"]


VOCABULARY = make_vocabulary()


@given(st.text(max_size=60))
def test_any_text_becomes_a_concept(text: str) -> None:
    concept = normalize_description(text, vocabulary=VOCABULARY)
    assert concept.form == " ".join(concept.form.split())
    assert bool(concept.form) == bool(concept.head)
    assert concept.form.endswith(concept.head)
