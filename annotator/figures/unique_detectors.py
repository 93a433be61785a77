"""Unique detectors of several networks, and along training or a rotation, by category of labeled pixels."""

from collections import Counter

import altair as alt

from annotator.comparison.categories import BRODEN_CATEGORIES
from annotator.figures.charting import color_by
from annotator.figures.drawing import Figure, Rows
from annotator.figures.palette import BRODEN_COLORS
from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.plurals import say_count

AXIS = f"unique detectors (IoU > {DETECTOR_ABOVE:g})"
READING = f"A unique detector is a label that is the best one of at least one unit with an IoU over {DETECTOR_ABOVE:g}"


def draw_unique_detectors(rows: Rows) -> Figure:
    """From rows of network, category, n_unique: stacked bars, the network with most unique detectors first."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["network"]] += row["n_unique"]
    ranked = sorted(totals, key=lambda network: (-totals[network], network))
    y = alt.Y("network:N", sort=ranked, title=None)
    order = list(BRODEN_CATEGORIES)
    values = [{**row, "rank": order.index(row["category"])} for row in rows if row["n_unique"]]
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(height={"band": 0.65})
        .encode(
            y=y,
            x=alt.X("n_unique:Q", title=AXIS, scale=alt.Scale(zero=True)),
            color=color_by("category", order, BRODEN_COLORS, title="Category by pixels"),
            order=alt.Order("rank:Q"),
        )
    )
    told = [{"network": network, "n": totals[network]} for network in ranked]
    numbers = alt.Chart(alt.InlineData(values=told)).mark_text(align="left", dx=3)
    chart = alt.layer(bars, numbers.encode(y=y, x="n:Q", text="n:Q"), height=alt.Step(18))
    reading = f"{READING}; the number at the end of a bar is their count n."
    return Figure("unique-detectors", "Unique detectors by network", chart.to_dict(), rows, reading)


def draw_unique_detectors_along(rows: Rows, *, axis: str) -> Figure:
    """From rows of position, category, n_unique: a line per category along training snapshots or a rotation."""
    known = list(dict.fromkeys(row["category"] for row in rows))
    is_by_category = set(known) <= set(BRODEN_CATEGORIES)
    domain = list(BRODEN_CATEGORIES) if is_by_category else known
    chart = (
        alt.Chart(alt.InlineData(values=list(rows)), height=200)
        .mark_line(point=True, strokeWidth=1.8)
        .encode(
            x=alt.X("position:Q", title=axis),
            y=alt.Y("n_unique:Q", title=AXIS, scale=alt.Scale(zero=True)),
            color=color_by("category", domain, BRODEN_COLORS[: len(domain)], title="Category by pixels"),
            strokeDash=alt.StrokeDash("category:N", sort=domain, legend=None),
        )
    )
    n = len({row["position"] for row in rows})
    title = f"Unique detectors along {axis}"
    reading = (
        f"{READING}; each of n = {say_count(n, 'dissection')} is one point of each line, and the axis starts at zero."
    )
    return Figure("unique-detectors-along", title, chart.to_dict(), rows, reading)
