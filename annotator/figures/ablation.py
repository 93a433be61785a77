"""Ablation as a figure: accuracy of a class, and of the others, as more and more units are set to zero."""

from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt

from annotator.figures.drawing import Figure, Rows
from annotator.figures.palette import THREE_COLORS
from workers.engine.plurals import say_count

ORDERS = ("largest", "smallest", "random")
PANELS = {"own": "photographs of the class", "others": "photographs of other classes"}


def draw_ablation(answer: Mapping[str, Any]) -> Iterator[Figure]:
    """All classes pooled, then one figure per class."""
    n_classes, n_units = len(answer["classes"]), answer["n_units"]
    title = f"Accuracy without units of {answer['layer']}, {say_count(n_classes, 'class')}"
    yield _draw("ablation", title, _list_points(answer), n_units)
    for one in answer["classes"]:
        name = f"ablation-{one['class_index']}"
        yield _draw(name, f"{one['label']}: accuracy without units of {answer['layer']}", _list_points(one), n_units)


def _list_points(found: Mapping[str, Any]) -> Rows:
    return [
        {
            "photographs": f"{found[part]['n_images']} {words}",
            "units": order,
            "n": point["n"],
            "accuracy": point["value"],
            "low": point["low"],
            "high": point["high"],
        }
        for part, words in PANELS.items()
        for order in ORDERS
        for point in found[part]["curves"][order]
        if point["value"] is not None
    ]


def _draw(name: str, title: str, rows: Rows, n_units: int) -> Figure:
    x = alt.X(
        "n:Q", title="units set to zero", scale=alt.Scale(type="symlog", domain=[0, n_units]),
        axis=alt.Axis(values=[n for n in (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if n <= n_units]),
    )  # fmt: skip
    color = alt.Color("units:N", scale=alt.Scale(domain=list(ORDERS), range=THREE_COLORS), title="mean share")
    dash = alt.StrokeDash("units:N", sort=list(ORDERS), legend=None)
    base = alt.Chart().encode(x=x, color=color)
    bands = base.mark_area(opacity=0.15).encode(
        y=alt.Y("low:Q", title="accuracy", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")), y2="high:Q"
    )
    lines = base.mark_line(point=True).encode(y="accuracy:Q", strokeDash=dash)
    sort = list(dict.fromkeys(row["photographs"] for row in rows))
    chart = alt.layer(bands, lines, data=alt.InlineData(values=list(rows)), height=180).facet(
        facet=alt.Facet("photographs:N", title=None, sort=sort), columns=min(2, max(1, len(sort)))
    )
    reading = (
        "Units are set to zero in the order of their mean share in the class's score, or at random; bands are 95 % "
        "intervals over the photographs that each panel counts."
    )
    return Figure(name, title, chart.properties(title=title).to_dict(), rows, reading)
