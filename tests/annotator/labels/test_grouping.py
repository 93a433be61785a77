"""Answers of a unit in groups: why they stand together, and which name wins."""

from annotator.labels.concepts import Concept
from annotator.labels.grouping import Group, NamedAnswer, group_answers
from annotator.labels.lexicon import load_lexicon


def group(*answers: tuple[str, str, float, float]) -> tuple[Group, ...]:
    """(form, head, weight, precision) of each answer."""
    named = [NamedAnswer(Concept(form=f, head=h), weight=w, precision=p) for f, h, w, p in answers]
    return group_answers(named, lexicon=load_lexicon())


def test_forms_synonyms_and_head_nouns_stand_together_and_say_why() -> None:
    (found,) = group(("sofa", "sofa", 1, 0.5), ("couch", "couch", 1, 0.5), ("red couch", "couch", 1, 0.5))
    assert found.members == (0, 1, 2)
    assert found.reasons == ("named", "synonyms (own table)", "head nouns are synonyms: couch, sofa (own table)")


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
