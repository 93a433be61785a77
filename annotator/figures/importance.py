"""Interpretability against importance: are the units that matter to the network those that people can name?"""

import altair as alt

from annotator.comparison.summary import Document
from annotator.figures.drawing import Figure
from workers.engine.format.bounds import INTERPRETABLE_ABOVE

NAMES = ("interpretable", "not interpretable")
COLORS = ["#ef8a3c", "#3f6fb5"]


def draw_precision_against_importance(report: Document) -> Figure:
    """One point per unit whose importance is known, a panel per layer; the rule is the bound for interpretable units.

    Importance is compared within a layer only: each panel has a scale of its own.
    """
    keys = ("layer", "index", "concept", "broden_label", "importance", "precision")
    rows = [
        {key: unit[key] for key in keys} | {"unit": NAMES[unit["precision"] <= INTERPRETABLE_ABOVE]}
        for unit in report["units"]
        if unit["importance"] is not None and unit["precision"] is not None
    ]
    points = (
        alt.Chart(width=300, height=260)
        .mark_circle(size=54, opacity=0.85)
        .encode(
            x=alt.X("importance:Q", title="importance (mean absolute share in the first score)"),
            y=alt.Y("precision:Q", title="mean precision by people", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("unit:N", scale=alt.Scale(domain=list(NAMES), range=COLORS), title=None),
            tooltip=[f"{key}:N" for key in keys],
        )
    )
    bound = alt.Chart().mark_rule(strokeDash=[4, 4], color="#7c8594").encode(y=alt.datum(INTERPRETABLE_ABOVE))
    chart = (
        alt.layer(points, bound, data=alt.InlineData(values=rows))
        .facet(column=alt.Column("layer:N", title=None, sort=list(dict.fromkeys(row["layer"] for row in rows))))
        .resolve_scale(x="independent")
    )
    return Figure("precision-against-importance", "Precision against importance", chart.to_dict(), rows)
