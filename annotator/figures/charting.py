"""What the charts share: colors by name, named bounds, and names below an axis."""

from collections.abc import Sequence

import altair as alt
from altair.utils import schemapi

from annotator.figures.palette import MIDDLE_GRAY

# A chart is checked once, when it is whole; checking each of its parts as it is made doubles the time to draw it.
schemapi.disable_debug_mode()

# More letters than this do not fit side by side below the bars of one column.
N_LETTERS_BELOW = 36


def color_by(field: str, domain: Sequence[str], colors: Sequence[str], *, title: str | None) -> alt.Color:
    order = list(domain)
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=order, range=list(colors)), sort=order, title=title)


def draw_bound(value: float, words: str, *, axis: str) -> alt.LayerChart | alt.FacetChart:
    """A dashed line at a value of the axis "x" or "y", and its name beside it."""
    data = alt.InlineData(values=[{"words": words}])
    line = alt.Chart(data).mark_rule(strokeDash=[4, 3], color=MIDDLE_GRAY)
    name = alt.Chart(data).mark_text(align="left", baseline="bottom" if axis == "y" else "top", dx=3, dy=0)
    if axis == "y":
        named = name.encode(x=alt.value(0), y=alt.datum(value), text="words:N")
        return alt.layer(line.encode(y=alt.datum(value)), named)
    return alt.layer(line.encode(x=alt.datum(value)), name.encode(x=alt.datum(value), y=alt.value(0), text="words:N"))


def name_below(names: Sequence[str]) -> alt.Axis:
    """Names of bars are tilted if they are too long to lie side by side."""
    is_long = sum(len(name) + 1 for name in names) > N_LETTERS_BELOW
    return alt.Axis(labelAngle=-35 if is_long else 0, title=None)
