"""Numbers, amounts and times as pages and reports write them: one way each."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from annotator.written import (
    NO_INTERVAL,
    activation,
    count,
    day,
    fraction,
    importance,
    interval,
    moment,
    p_value,
    percent,
    print_bounds,
    probability,
    signed,
    tenths,
    usd,
)

TEMPLATES = Path(__file__).parents[2] / "annotator"
# Of each kind, the ways that are not ours.
OTHER_WAYS = {
    "a number": r"\|floatformat|\|stringformat:\"\.|\|intcomma",
    "an amount of money": r"\$\{\{|usd \}\} (USD|dollars)",
    "a count": r"\{\{ ([\w.|]+) \}\} \w+\{\{ \1\|pluralize \}\}",
}
# The worker site says dates in the worker's language.
A_DATE = r"\|date:|\|time:|\{% now"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0.000"), (6.0, "6.000"), (-0.0123, "-0.012"), (82259600.0, "8.23e+07"), (0.0000412, "4.12e-05")],
)
def test_an_activation_keeps_digits_that_say_something(value: float, written: str) -> None:
    assert activation(value) == written


def test_an_interval_without_bounds_says_so() -> None:
    assert interval(0.12345, 0.5) == "0.123 to 0.500"
    assert interval(0.12345, 0.5, "tenths") == "12.3 % to 50.0 %"
    assert print_bounds(-1.5, 2.25, "+.1f") == "[-1.5, +2.2]"
    assert interval(None, None) == NO_INTERVAL
    assert print_bounds(None, None) == f"[{NO_INTERVAL}]"


def test_a_bound_of_an_interval_is_the_reports_two_digits() -> None:
    for cell in range(201):
        share = cell / 200
        assert percent(share) == f"{int(f'{share:.2f}'.replace('.', ''))} %", cell
    assert (percent(-0.004), percent(-0.25)) == ("0 %", "-25 %"), "a weak strength of a walk is no -0 %"


def test_there_is_one_way_for_counts_dates_amounts_and_fractions() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (moment(at), day(at), moment(None)) == ("2026-01-02 03:04", "2026-01-02", "–")
    assert (count(1, "unit"), count(2048, "unit"), count(None, "unit")) == ("1 unit", "2,048 units", "–")
    assert (fraction(0.04), fraction(0), fraction(None)) == ("0.040", "0.000", "–")
    assert (signed(1.5), signed(-0.25), p_value(0.0004), p_value(0.25)) == ("+1.50", "−0.25", "< 0.001", "0.250")
    assert (p_value(float("nan")), probability(1 / 2048), importance(0.00049)) == ("–", "0.000488", "0.0005")
    assert (usd(Decimal("0.5")), usd("1234.5"), usd(None)) == ("$0.50", "$1,234.50", "–")


def test_no_template_writes_them_in_another_way() -> None:
    found = {
        (template.name, kind)
        for template in TEMPLATES.rglob("*.html")
        for kind, pattern in {**OTHER_WAYS, **({} if "sandbox" in template.parts else {"a date": A_DATE})}.items()
        if re.search(pattern, template.read_text())
    }
    assert found == set()


@pytest.mark.parametrize("written", [fraction, percent, tenths, moment, day])
def test_what_is_read_from_an_absent_row_is_a_dash(written: Callable[[str | None], str]) -> None:
    """A template gives "" to a filter where a related row is absent: a label that was not compared yet."""
    assert written("") == written(None) == "–"
