"""Answers from JSON and from MTurk's XML: the same answer either way, and nothing hostile gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.answers import (
    Answer,
    BadAnswer,
    Verdict,
    clean_description,
    read_seconds,
    read_work,
    score_answer,
    write_raw,
)
from annotator.crowd.hit_types.tile_order import TileOrder
from annotator.crowd.marketplaces.mturk.answers import read_work_xml

HEAD = '<?xml version="1.0"?><QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd">'


def xml(**fields: str) -> str:
    answers = "".join(
        f"<Answer><QuestionIdentifier>{name}</QuestionIdentifier><FreeText>{text}</FreeText></Answer>"
        for name, text in fields.items()
    )
    return f"{HEAD}{answers}</QuestionFormAnswers>"


def test_xml_and_json_say_the_same() -> None:
    from_xml = read_work_xml(
        xml(description="pool table", category="object", marked="3 17", active_seconds="9.5"),
        kind="semantics",
        n_crops=60,
    )
    from_json = read_work(
        {"description": "pool table", "category": "object", "marked": [17, 3], "active_seconds": 9.5},
        kind="semantics",
        n_crops=60,
    )
    assert from_xml == from_json == Answer("pool table", SemanticCategory.OBJECT, (3, 17), 9.5)


@given(st.text(min_size=1, max_size=100), st.sets(st.integers(0, 59)), st.sampled_from(list(SemanticCategory)))
def test_what_is_kept_reads_back_as_it_was(words: str, marked: set[int], category: SemanticCategory) -> None:
    values = {"description": words + "a", "category": category.value, "marked": list(marked), "active_seconds": 1.0}
    try:
        work = read_work(values, kind="semantics", n_crops=60)
    except BadAnswer:
        assert len(clean_description(words + "a")) > 100
        return
    assert read_work(write_raw(work), kind="semantics", n_crops=60) == work


@given(st.booleans())
def test_a_verdict_reads_back_as_it_was(fits: bool) -> None:
    verdict = Verdict(fits=fits, active_seconds=2.0)
    assert read_work(write_raw(verdict), kind="verdict", n_crops=15) == verdict


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
        read_work_xml(hostile, kind="semantics", n_crops=60)
    assert str(refused.value).endswith(".") or "try again" in str(refused.value)


def test_the_score_of_a_hand_written_case() -> None:
    # Positions 0..4 show ranks 3 0 9 1 2; rank 9 is planted. Marked: positions 1 (rank 0) and 2 (the planted one).
    order = TileOrder(shown_ranks=(3, 0, 9, 1, 2), planted_ranks=(9,))
    score = score_answer(Answer("lamp", SemanticCategory.OBJECT, (1, 2), 1.0), order)
    assert score.marked_ranks == (0, 9)
    assert score.precision == pytest.approx(3 / 4)
    assert score.n_planted_missed == 0
    assert score_answer(Answer("lamp", SemanticCategory.OBJECT, (), 1.0), order).n_planted_missed == 1


@pytest.mark.parametrize("odd", [None, "x", -1, float("nan"), float("inf"), 1e9, [], {}])
def test_odd_times_count_as_nothing(odd: object) -> None:
    assert read_seconds(odd) == 0


def test_descriptions_become_one_clean_line() -> None:
    assert clean_description("  pool\n table\u200b \x00") == "pool table"
    assert clean_description("cafe\u0301") == "café"
