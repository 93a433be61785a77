"""Answers from JSON and from MTurk's XML: the same answer either way, and nothing hostile gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.answers import BadAnswer, clean_text, read_seconds
from annotator.crowd.hit_types.hit_type import ShownUnit
from annotator.crowd.hit_types.templates import find_hit_type
from annotator.crowd.marketplaces.mturk.adapter import read_xml_fields

SEMANTICS, VERDICT = find_hit_type("unit_semantics"), find_hit_type("verify_label")
SHOWN = [ShownUnit(0, tuple(range(60)), frozenset({57, 58, 59}))]
HEAD = '<?xml version="1.0"?><QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd">'


def xml(**fields: str) -> str:
    answers = "".join(
        f"<Answer><QuestionIdentifier>{name}</QuestionIdentifier><FreeText>{text}</FreeText></Answer>"
        for name, text in fields.items()
    )
    return f"{HEAD}{answers}</QuestionFormAnswers>"


def test_xml_and_json_say_the_same() -> None:
    fields = read_xml_fields(xml(description="pool table", category="object", marked="3 17", active_seconds="9.5"))
    from_json = SEMANTICS.parse({"description": "pool table", "category": "object", "marked": [17, 3]}, SHOWN)
    assert SEMANTICS.parse(SEMANTICS.read_fields(fields), SHOWN) == from_json
    assert (from_json.description, from_json.category, from_json.marked) == ("pool table", "object", (3, 17))


@given(st.text(min_size=1, max_size=100), st.sets(st.integers(0, 59)), st.sampled_from(list(SemanticCategory)))
def test_what_a_marketplace_keeps_reads_back_as_it_was(
    words: str, marked: set[int], category: SemanticCategory
) -> None:
    values = {"description": words + "a", "category": category.value, "marked": list(marked)}
    try:
        work = SEMANTICS.parse(values, SHOWN)
    except BadAnswer:
        assert len(clean_text(words + "a")) > 100
        return
    assert SEMANTICS.parse(SEMANTICS.read_fields(SEMANTICS.write_fields(work)), SHOWN) == work


@given(st.booleans())
def test_a_verdict_reads_back_as_it_was(fits: bool) -> None:
    work = VERDICT.parse({"verdict": "yes" if fits else "no"}, SHOWN)
    assert VERDICT.parse(VERDICT.read_fields(VERDICT.write_fields(work)), SHOWN) == work


@pytest.mark.parametrize(
    "hostile",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        "<unclosed>",
        "",
        "no xml at all",
        "<a>" * 10_000 + "</a>" * 10_000,
        "x" * 200_000,
        xml(description="lamp", category="object", marked="1 2 99"),
        xml(description="lamp", category="object", marked="-1"),
        xml(description="lamp", category="object", marked="１"),
        xml(category="object"),
    ],
)
def test_a_bad_document_is_refused_in_words(hostile: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        SEMANTICS.parse(SEMANTICS.read_fields(read_xml_fields(hostile)), SHOWN)
    assert str(refused.value).endswith(".") or "try again" in str(refused.value)


def test_the_score_of_a_hand_written_case() -> None:
    # Positions 0..4 show ranks 3 0 9 1 2; rank 9 is planted. Marked: positions 1 (rank 0) and 2 (the planted one).
    shown = [ShownUnit(0, (3, 0, 9, 1, 2), frozenset({9}))]
    values = {"description": "lamp", "category": "object"}
    (found,) = SEMANTICS.score(SEMANTICS.parse(values | {"marked": [1, 2]}, shown), shown)
    assert found.marked_ranks == (0, 9)
    assert found.precision == pytest.approx(3 / 4)
    assert found.n_planted_missed == 0
    (kept_all,) = SEMANTICS.score(SEMANTICS.parse(values | {"marked": []}, shown), shown)
    assert kept_all.n_planted_missed == 1


@pytest.mark.parametrize("odd", [None, "x", -1, float("nan"), float("inf"), 1e9, [], {}])
def test_odd_times_count_as_nothing(odd: object) -> None:
    assert read_seconds(odd) == 0


def test_descriptions_become_one_clean_line() -> None:
    assert clean_text("  pool\n table\u200b \x00") == "pool table"
    assert clean_text("cafe\u0301") == "café"
