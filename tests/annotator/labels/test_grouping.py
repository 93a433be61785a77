"""Answers of a unit in groups: why they stand together, and which name wins."""

from itertools import permutations

import pytest

from annotator.labels.concepts import Concept, build_vocabulary, normalize_description
from annotator.labels.grouping import Group, NamedAnswer, group_answers
from annotator.labels.lexicon import load_lexicon

VOCABULARY = build_vocabulary(descriptions=[], labels=[], lexicon=load_lexicon())


def group_said(*said: str) -> list[tuple[str, int]]:
    """The groups' names with how many people each has, from people's own words."""
    concepts = [normalize_description(text, vocabulary=VOCABULARY) for text in said]
    named = [NamedAnswer(concept, weight=1, precision=0.5) for concept in concepts]
    return [(found.name, len(found.members)) for found in group_answers(named, lexicon=VOCABULARY.lexicon)]


@pytest.mark.parametrize(
    ("said", "name", "n_people"),
    [
        (["road", "street", "lines"], "road", 2),
        (["lines", "street", "road"], "road", 2),
        (["street", "road", "street"], "street", 3),
        (["dog", "cat", "animals"], "animal", 3),
        (["boat", "ship", "vehicle", "car"], "vehicle", 4),
        (["(dog)", "(dog)", "cat"], "dog", 2),
        (["train", "yellow trains", "Running trains"], "train", 3),
        (["phone booth", "telephone booth", "sky"], "booth", 2),
        (["hot dog", "dog", "dogs"], "dog", 2),
        (["hot dogs", "hot dog", "dog"], "hot dog", 2),
        (["computer mouse", "mouse", "mice"], "mouse", 2),
        (["sea lion", "tiger lily", "lion"], "lion", 1),
        (["dog", "no dogs", "not a dog"], "dog", 1),
        (["none", "N/A", "sky"], "sky", 1),
    ],
)
def test_the_word_that_stands_for_most_people_names_them(said: list[str], name: str, n_people: int) -> None:
    assert group_said(*said)[0] == (name, n_people)


@pytest.mark.parametrize("said", [["none", "?", "things"], ["anything but cars", "no pattern", "idk"]])
def test_people_who_name_nothing_make_no_concept(said: list[str]) -> None:
    assert group_said(*said) == []


def test_the_order_of_the_answers_makes_no_difference() -> None:
    said = ["road", "street", "lines", "highway", "red car", "blue car"]
    assert len({tuple(group_said(*order)) for order in permutations(said)}) == 1


def group(*answers: tuple[str, str, float, float]) -> tuple[Group, ...]:
    """(form, head, weight, precision) of each answer."""
    named = [NamedAnswer(Concept(form=f, head=h), weight=w, precision=p) for f, h, w, p in answers]
    return group_answers(named, lexicon=load_lexicon())


def test_forms_synonyms_and_head_nouns_stand_together_and_say_why() -> None:
    (found,) = group(("sofa", "sofa", 1, 0.5), ("couch", "couch", 1, 0.5), ("red couch", "couch", 1, 0.5))
    assert found.members == (0, 1, 2)
    assert found.reasons == ("named", "synonyms (own table)", "red couch is a kind of sofa, by its head noun")


def test_the_most_used_form_names_the_group() -> None:
    found = group(("couch", "couch", 1, 0.9), ("sofa", "sofa", 1, 0.4), ("sofa", "sofa", 1, 0.3))
    assert found[0].name == "sofa"


def test_the_heavier_group_wins_over_the_larger_one() -> None:
    found = group(("dog", "dog", 1, 0.5), ("dog", "dog", 1, 0.5), ("lamp", "lamp", 2.5, 0.5))
    assert [g.name for g in found] == ["lamp", "dog"]


def test_equal_groups_go_by_summed_precision_then_the_alphabet() -> None:
    assert group(("dog", "dog", 1, 0.5), ("lamp", "lamp", 1, 0.6))[0].name == "lamp"
    assert group(("lamp", "lamp", 1, 0.5), ("dog", "dog", 1, 0.5))[0].name == "dog"


def test_an_empty_description_joins_no_group() -> None:
    assert group(("", "", 1, 0.5)) == ()


@pytest.mark.parametrize(("taken_out", "others"), [("dog", "animal"), ("animal", "dog"), ("sofa", "couch")])
def test_a_word_that_a_reviewer_took_out_is_joined_by_the_same_form_alone(taken_out: str, others: str) -> None:
    alone = [NamedAnswer(Concept(form=taken_out, head=taken_out, is_apart=True), weight=1, precision=0.5)] * 2
    more = [NamedAnswer(Concept(form=others, head=others), weight=1, precision=0.5)] * 3
    found = group_answers([*alone, *more], lexicon=load_lexicon())
    assert [(one.name, one.members) for one in found] == [(others, (2, 3, 4)), (taken_out, (0, 1))]
