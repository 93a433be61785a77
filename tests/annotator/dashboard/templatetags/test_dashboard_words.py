"""Numbers and stored names as the dashboard writes them: one way each."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from annotator.dashboard.templatetags.dashboard_words import (
    count,
    day,
    fraction,
    moment,
    name_words,
    percent,
    reason_words,
    tenths,
)

TEMPLATES = Path(__file__).parents[4] / "annotator" / "dashboard"
# Of each kind, the ways that are not the dashboard's.
OTHER_WAYS = {
    "a date": r"\|date:|\|time:|\{% now",
    "an amount of money": r"\$\{\{|\|floatformat:2 \}\} (USD|dollars)",
    "IoU": r"iou\|floatformat",
    "a count": r"\{\{ ([\w.|]+) \}\} \w+\{\{ \1\|pluralize \}\}",
}


def test_a_bound_of_an_interval_is_the_reports_two_digits() -> None:
    for cell in range(201):
        share = cell / 200
        assert percent(share) == f"{int(f'{share:.2f}'.replace('.', ''))} %", cell


def test_stored_names_are_words() -> None:
    assert name_words("n_hits") == "hits"
    assert reason_words({"total_usd": "69.12", "seconds_per_assignment": 150}) == (
        "total USD: 69.12; seconds per assignment: 150"
    )


def test_there_is_one_way_for_counts_dates_and_fractions() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (moment(at), day(at), moment(None)) == ("2026-01-02 03:04", "2026-01-02", "–")
    assert (count(1, "unit"), count(2048, "unit"), count(None, "unit")) == ("1 unit", "2,048 units", "–")
    assert (fraction(0.04), fraction(None)) == ("0.040", "–")


def test_no_template_writes_them_in_another_way() -> None:
    found = {
        (template.name, kind)
        for template in TEMPLATES.rglob("*.html")
        for kind, pattern in OTHER_WAYS.items()
        if re.search(pattern, template.read_text())
    }
    assert found == set()


@pytest.mark.parametrize("written", [fraction, percent, tenths, moment, day])
def test_what_is_read_from_an_absent_row_is_a_dash(written: Callable[[str | None], str]) -> None:
    """A template gives "" to a filter where a related row is absent: a label that was not compared yet."""
    assert written("") == written(None) == "–"
