"""How people's words stand to Broden's labels: the last word of a phrase alone makes nothing equal."""

import pytest

from annotator.comparison.relations import Relation, find_relation
from annotator.labels.concepts import build_vocabulary
from annotator.labels.lexicon import load_lexicon

LABELS = ("dog", "mouse", "screen", "train", "swimming pool", "car", "house", "tree", "hot dog", "sky", "road")
VOCABULARY = build_vocabulary(descriptions=[], labels=LABELS, lexicon=load_lexicon())


def relate(concept: str, label: str) -> str:
    return str(find_relation(concept=concept, label=label, vocabulary=VOCABULARY).relation)


@pytest.mark.parametrize(
    "concept", ["hot dog", "not a dog", "no dogs", "anything but dogs", "corn dogs", "prairie dog"]
)
def test_none_of_these_is_a_dog(concept: str) -> None:
    assert relate(concept, "dog") == "different"


@pytest.mark.parametrize(
    ("concept", "label", "relation"),
    [
        ("computer mouse", "mouse", "different"),
        ("dog", "hot dog", "different"),
        ("hot dogs", "hot dog", "equal"),
        ("computer screen", "screen", "hyponym"),
        ("office building", "house", "hypernym"),
        ("pool", "swimming pool", "synonym"),
        ("yellow trains", "train", "equal"),
        ("two red cars", "car", "equal"),
        ("toy car", "car", "different"),
        ("wheel", "car", "part"),
        ("car", "wheel", "part"),
        ("roof", "house", "part"),
        ("branches", "tree", "part"),
        ("street", "road", "hyponym"),
        ("no sky", "sky", "different"),
        ("none", "sky", "different"),
        ("street light", "streetlight", "equal"),
    ],
)
def test_relations(concept: str, label: str, relation: str) -> None:
    assert relate(concept, label) == relation


def test_a_part_says_by_which_rule() -> None:
    found = find_relation(concept="wheel", label="car", vocabulary=VOCABULARY)
    assert (found.relation, found.rule) == (Relation.PART, "wheel is a part of car (own table)")
    assert not found.is_same_thing


def test_who_names_nothing_is_told_so() -> None:
    found = find_relation(concept="", label="sky", vocabulary=VOCABULARY)
    assert (found.relation, found.rule) == (Relation.DIFFERENT, "people named nothing")
