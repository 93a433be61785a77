"""Semantic types as published: the share of each category among the answers of a layer, stacked by layer."""

from collections.abc import Mapping

import altair as alt

from annotator.comparison.summary import Document
from annotator.crowd.categories import SemanticCategory
from annotator.figures.charting import color_by, name_below
from annotator.figures.drawing import Figure, Rows, say_in_title
from annotator.figures.palette import SEMANTIC_COLORS

SEMANTIC = [str(category) for category in SemanticCategory]
READING = (
    "Each bar is one layer from 0 to 100 % of its answers, split by the category that people gave; n counts the "
    "answers, and layers are weighted by how their units were chosen."
)


def draw_semantic_types(report: Document) -> Figure:
    """Share of each semantic category among a layer's answers, as published: stacked by layer."""
    rows = _list_shares(report)
    return Figure("semantic-types", "Semantic types by layer", _stack_shares(rows).to_dict(), rows, READING)


def draw_networks_side_by_side(reports: Mapping[str, Document]) -> Figure:
    """The semantic types of several networks' layers, one panel per network."""
    rows = [
        {"network": network, **row, "answers_by": report.get("answers_by", "")}
        for network, report in reports.items()
        for row in _list_shares(report)
    ]
    titles = {name: say_in_title(name, answers_by=report.get("answers_by", "")) for name, report in reports.items()}
    panels = [
        _stack_shares(own).properties(
            title=titles[network] if own else f"{titles[network]}: no random sample of a layer"
        )
        for network in reports
        for own in [[row for row in rows if row["network"] == network]]
    ]
    chart = alt.concat(*panels, columns=2)
    return Figure("networks", "Semantic types, networks side by side", chart.to_dict(), rows, READING)


def _list_shares(report: Document) -> list[Document]:
    n_answers = {
        layer["path"]: sum(len(unit.get("answers", ())) for unit in report["units"] if unit["layer"] == layer["path"])
        for layer in report["layers"]
    }
    return [
        {"layer": layer["path"], "category": category, "share": share, "n_answers": n_answers[layer["path"]]}
        for layer in report["layers"]
        for category, share in (layer["category_shares"] or {}).items()
    ]


def _stack_shares(rows: Rows) -> alt.LayerChart | alt.FacetChart:
    counts = {row["layer"]: row["n_answers"] for row in rows}
    # A share of zero is empty: it has no edge.
    values = [{**row, "rank": SEMANTIC.index(row["category"])} for row in rows if row["share"] > 0]
    x = alt.X("layer:N", sort=list(counts), title=None, axis=name_below(list(counts)))
    scale = alt.Scale(domain=[0, 1])
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(width={"band": 0.75})
        .encode(
            x=x,
            y=alt.Y("share:Q", title="share of answers", axis=alt.Axis(format="%"), scale=scale),
            color=color_by("category", SEMANTIC, SEMANTIC_COLORS, title="Semantic type"),
            order=alt.Order("rank:Q", sort="descending"),
            tooltip=["layer:N", "category:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    told = [{"layer": layer, "n": f"n = {n}"} for layer, n in counts.items()]
    names = alt.Chart(alt.InlineData(values=told)).mark_text(baseline="bottom", dy=-2)
    return alt.layer(bars, names.encode(x=x, y=alt.datum(1), text="n:N"), height=180)
