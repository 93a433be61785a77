"""Interpretability against importance: are the units that matter to the network those that people can name?"""

from collections import Counter

import altair as alt

from annotator.comparison.summary import Document
from annotator.figures.charting import color_by, draw_bound
from annotator.figures.drawing import Figure
from annotator.figures.palette import TWO_COLORS
from annotator.figures.precision import INTERPRETABLE
from workers.engine.format.bounds import INTERPRETABLE_ABOVE

NAMES = ("interpretable", "not interpretable")


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
        alt.Chart()
        .mark_point(filled=True, size=36, opacity=1)
        .encode(
            x=alt.X("importance:Q", title="importance", scale=alt.Scale(zero=True)),
            y=alt.Y("precision:Q", title="mean precision by people", scale=alt.Scale(domain=[0, 1])),
            color=color_by("unit", NAMES, TWO_COLORS, title=None),
            shape=alt.Shape("unit:N", scale=alt.Scale(domain=list(NAMES), range=["circle", "diamond"]), title=None),
            tooltip=[f"{key}:N" for key in keys],
        )
    )
    counts = Counter(row["layer"] for row in rows)
    drawn = [{**row, "panel": f"{row['layer']}, n = {counts[row['layer']]}"} for row in rows]
    panels = list(dict.fromkeys(row["panel"] for row in drawn))
    bound = draw_bound(INTERPRETABLE_ABOVE, INTERPRETABLE, axis="y")
    chart = (
        alt.layer(points, bound, data=alt.InlineData(values=drawn), height=180)
        .facet(facet=alt.Facet("panel:N", title=None, sort=panels), columns=min(2, max(1, len(panels))))
        .resolve_scale(x="independent")
    )
    reading = (
        "Importance is the unit's mean absolute share in the first score, with a scale per panel; n counts units, "
        f"and those over the line at {INTERPRETABLE_ABOVE:g} are interpretable to people."
    )
    title = "Precision against importance"
    return Figure("precision-against-importance", title, chart.to_dict(), rows, reading)
