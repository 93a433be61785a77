"""Detectors of a whole layer by labeled pixels: how many units have each label as their best, by category."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import altair as alt

from annotator.comparison.categories import BRODEN_CATEGORIES
from annotator.figures.drawing import Figure
from annotator.figures.palette import BRODEN_COLORS
from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.plurals import say_count

MAX_LABELS = 24


def draw_layer_detectors(labels: Sequence[tuple[str, str]], *, name: str, layer: str, n_units: int) -> Figure:
    """`labels`: (category, label) of each detector of the layer; `n_units`: of the whole layer."""
    counts = Counter(labels)
    order = list(BRODEN_CATEGORIES)
    ranked = sorted(counts.items(), key=lambda one: (order.index(one[0][0]), -one[1], one[0][1]))
    rows = [{"category": category, "label": label, "units": n} for (category, label), n in ranked]
    highest = max(counts.values(), default=1)
    panels = [
        _draw_category(category, [row for row in rows if row["category"] == category], highest)
        for category in order
        if any(row["category"] == category for row in rows)
    ]
    empty = alt.Chart(alt.InlineData(values=[{"words": "no detector"}]), height=60).mark_text().encode(text="words:N")
    chart: Any = alt.concat(*panels, columns=2).resolve_scale(y="independent") if panels else empty
    title = f"Detectors of {layer} by labeled pixels"
    told = [
        f"n = {say_count(len(labels), 'detector')} (IoU > {DETECTOR_ABOVE:g}) among all {say_count(n_units, 'unit')}"
    ]
    reading = (
        f"Each bar counts the units whose best label this is, with an IoU over {DETECTOR_ABOVE:g}; all "
        f"{say_count(n_units, 'unit')} of the layer count, whether or not people were asked about them."
    )
    return Figure(name, title, chart.to_dict() | {"title": {"text": title, "subtitle": told}}, rows, reading)


def _draw_category(category: str, rows: Sequence[dict[str, object]], highest: int) -> alt.LayerChart | alt.FacetChart:
    shown = list(rows[:MAX_LABELS])
    n_units = sum(int(str(row["units"])) for row in rows)
    left_out = len(rows) - len(shown)
    title = f"{category}, n = {n_units}" + (
        f"; {say_count(left_out, 'rarer label is', 'rarer labels are')} in the data file" if left_out else ""
    )
    base = alt.Chart(alt.InlineData(values=shown)).encode(
        x=alt.X("units:Q", title="units", scale=alt.Scale(domain=[0, highest]), axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("label:N", sort=[str(row["label"]) for row in shown], title=None),
    )
    return alt.layer(
        base.mark_bar(color=BRODEN_COLORS[BRODEN_CATEGORIES.index(category)], height={"band": 0.7}),
        base.mark_text(align="left", dx=2).encode(text="units:Q"),
        height=alt.Step(11),
        title=alt.TitleParams(title, fontSize=8),
    )
