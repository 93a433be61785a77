"""How pages and reports write numbers, amounts and times: one way each. Every template knows these filters.

A value that is not there is None, or "" where a template reads it from a related row that is absent.
"""

from collections.abc import Callable
from datetime import datetime

from django import template

from workers.engine.plurals import say_count

register = template.Library()
Number = float | str | None
# Of an interval without bounds (docs/measures.md, Intervals and tests).
NO_INTERVAL = "none: too few, or all alike"


def _filter(name: str, write: Callable[[float], str]) -> Callable[[Number], str]:
    """A filter that writes a number, and a dash where there is none."""

    def written(value: Number) -> str:
        return "–" if value is None or isinstance(value, str) else write(value)

    register.filter(name, written)
    return written


# Rounded like the two digits of the report: bounds of intervals may be half percents. Adding 0 makes -0 to 0.
percent = _filter("percent", lambda share: f"{100 * round(share, 2) + 0:.0f} %")
# For shares that chance makes small, and the classes of a network.
tenths = _filter("tenths", lambda share: f"{100 * share:.1f} %")
# Of 1, with three digits, as IoU is published; correlations too.
fraction = _filter("fraction", lambda share: f"{share:.3f}")
# Their scale is the network's own: three decimals of a very large one, or of a very small one, would say nothing.
activation = _filter(
    "activation", lambda value: f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 10_000 else f"{value:.3g}"
)
# As reports print precision.
precision = _filter("precision", lambda share: f"{share:.2f}")
# What a network or a read-out adds up: scores, and the parts of them.
score = _filter("score", lambda value: f"{value:.2f}")
signed = _filter("signed", lambda value: f"{'−' if value < 0 else '+'}{abs(value):.2f}")
# Expected counts, which chance makes fractions.
expected = _filter("expected", lambda number: f"{number:,.1f}")
whole = _filter("whole", lambda number: f"{number:,.0f}")
p_value = _filter("p_value", lambda p: "–" if not 0 <= p <= 1 else f"{p:.3f}" if p >= 0.001 else "< 0.001")
# Of being chosen: it weights a unit, so that its digits count however small it is.
probability = _filter("probability", lambda p: f"{p:.3g}")
# A mean share over a layer of thousands of units.
importance = _filter("importance", lambda share: f"{share:.4f}")


@register.simple_tag
def interval(low: float | None, high: float | None, write: str = "fraction") -> str:
    """Such as `0.123 to 0.456`, its bounds written by the filter of that name."""
    if low is None or high is None:
        return NO_INTERVAL
    return f"{register.filters[write](low)} to {register.filters[write](high)}"


@register.simple_tag
def print_bounds(low: float | None, high: float | None, form: str = ".3f") -> str:
    """Such as `[0.123, 0.456]`, beside the value itself."""
    return f"[{NO_INTERVAL}]" if low is None or high is None else f"[{low:{form}}, {high:{form}}]"


@register.filter
def duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@register.filter
def count(number: int | None, noun: str) -> str:
    """Such as `1 unit`, `2,048 units`; a noun with a verb gives both: `answer is,answers are`."""
    return "–" if number is None else say_count(number, *noun.split(","))


@register.filter
def moment(when: datetime | str | None) -> str:
    """Day and time, in UTC as everywhere."""
    return "–" if when is None or isinstance(when, str) else f"{when:%Y-%m-%d %H:%M}"


@register.filter
def day(when: datetime | str | None) -> str:
    return "–" if when is None or isinstance(when, str) else f"{when:%Y-%m-%d}"


@register.filter
def usd(amount: object) -> str:
    return "–" if amount is None else f"${float(str(amount)):,.2f}"
