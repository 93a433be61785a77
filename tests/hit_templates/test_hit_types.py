"""What holds for every HIT type of the table: its example is read, kept, scored, told and shown."""

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.hit_types.hit_type import ShownUnit, Sight
from annotator.crowd.hit_types.table import TABLE
from annotator.crowd.hit_types.templates import find_folder, find_hit_type, load_template, render_summary

SIGHT = Sight(
    "lamp", SemanticCategory.OBJECT, (0, 2), 0.9, 30.0, answers=(True, False) * 10, text_shares=(0.2, 0.9, 0.5)
)


def show(name: str) -> list[ShownUnit]:
    """As the page would show the type's units: top crops, then planted ones; or photographs, some of them gold."""
    template = load_template(name)
    if template.photographs:
        rows = [row for row in template.photographs for _ in range(row.n)]
        gold = {number: row.gold for number, row in enumerate(rows) if row.gold is not None}
        texts = ("red car", "wheel", "shiny things")
        ranks = tuple(range(len(rows)))
        return [ShownUnit(0, ranks, frozenset(), texts[0], texts=texts, text_numbers=(2, 0, 1), gold=gold)]
    ranks = tuple(range(template.n_top + template.n_planted))
    planted = frozenset(ranks[template.n_top :])
    return [ShownUnit(position, ranks, planted, "red car") for position in range(find_hit_type(name).n_units)]


def example(name: str) -> dict[str, Any]:
    return dict(json.loads((find_folder(name) / "example.json").read_text()))


@pytest.mark.parametrize("name", TABLE)
def test_an_answer_is_the_same_after_the_marketplace_kept_it(name: str) -> None:
    hit_type, shown = find_hit_type(name), show(name)
    answer = hit_type.parse(example(name), shown)
    fields = hit_type.write_fields(answer)
    assert all(isinstance(text, str) for text in fields.values())
    assert hit_type.parse(hit_type.read_fields(fields), shown) == answer


@pytest.mark.parametrize("sent", ["a\0b", "\ud800", ["\0"], {"\0": "\0"}, [], {}, True, -1, None], ids=repr)
@pytest.mark.parametrize("name", TABLE)
def test_whatever_a_page_sends_can_be_stored_or_is_refused_in_words(name: str, sent: object) -> None:
    """PostgreSQL takes no NUL and no half of a surrogate pair, neither in a draft nor in an answer."""
    hit_type, shown = find_hit_type(name), show(name)
    for field in example(name):
        values = example(name) | {field: sent}
        kept: list[object] = [hit_type.clean_draft(values, shown)]
        with contextlib.suppress(BadAnswer):
            kept.append(hit_type.write_fields(hit_type.parse(values, shown)))
        assert not any(bad in json.dumps(kept) for bad in ("u0000", "ud800")), field


@pytest.mark.parametrize("name", TABLE)
def test_an_answer_is_scored_for_each_unit_told_and_shown(name: str) -> None:
    hit_type, shown = find_hit_type(name), show(name)
    findings = hit_type.score(hit_type.parse(example(name), shown), shown)
    assert [finding.position for finding in findings] == list(range(hit_type.n_units))
    assert all((finding.precision is not None) == (hit_type.adds_to == "label") for finding in findings)
    page = render_summary(name, findings, position=0)
    assert all(text in page for _, text in hit_type.summarize(findings))


@pytest.mark.parametrize("name", TABLE)
def test_what_a_simulated_person_submits_is_an_answer(name: str) -> None:
    hit_type, shown = find_hit_type(name), show(name)
    sight = replace(SIGHT, answers=SIGHT.answers[: len(shown[0].shown_ranks)])
    assert hit_type.parse(hit_type.simulate([sight] * hit_type.n_units), shown)


@pytest.mark.parametrize("name", TABLE)
def test_every_chosen_unit_is_shown_at_most_once(name: str) -> None:
    groups = find_hit_type(name).group(7, seed=1)
    assert all(len(group) == find_hit_type(name).n_units for group in groups)
    indexes = [index for group in groups for index in group]
    assert len(indexes) == len(set(indexes))


def test_an_answer_that_could_not_be_read_says_so() -> None:
    assert "could not be read" in render_summary("unit_semantics", [])


def test_words_of_people_are_escaped() -> None:
    hit_type, shown = find_hit_type("unit_semantics"), show("unit_semantics")
    values = example("unit_semantics") | {"description": "<b>lamp</b>"}
    assert "<b>" not in render_summary("unit_semantics", hit_type.score(hit_type.parse(values, shown), shown))
