"""How well units' crops fit, layer by layer and against the IoU of labeled pixels."""

from collections import Counter

import altair as alt

from annotator.comparison.relations import Relation
from annotator.comparison.summary import Document
from annotator.figures.charting import color_by, draw_bound, name_below
from annotator.figures.drawing import Figure
from annotator.figures.palette import ONE_COLOR, ORANGE, RELATION_COLORS
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE
from workers.engine.plurals import say_count

RELATIONS = [str(relation) for relation in Relation]
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
INTERPRETABLE = f"interpretable: over {INTERPRETABLE_ABOVE:g}"


def draw_precision_by_layer(report: Document) -> Figure:
    """Each unit as a tick, the layer's mean as a point if there is one, and the bound for interpretable units."""
    rows = [
        {"layer": unit["layer"], "unit": unit["index"], "precision": unit["precision"]}
        for unit in report["units"]
        if unit["precision"] is not None
    ]
    counts = Counter(row["layer"] for row in rows)
    layers = [layer["path"] for layer in report["layers"]]
    x = alt.X("layer:N", sort=layers, title=None, axis=name_below(layers))
    y = alt.Y("precision:Q", title="mean precision by people", scale=alt.Scale(domain=[0, 1]))
    ticks = alt.Chart(alt.InlineData(values=rows)).mark_tick(opacity=0.45, color=ONE_COLOR, width={"band": 0.5})
    known = [
        {"layer": layer["path"], "precision": layer["mean_precision"]}
        for layer in report["layers"]
        if layer["mean_precision"] is not None
    ]
    points = alt.Chart(alt.InlineData(values=known)).mark_point(filled=True, size=50, color=ORANGE, shape="diamond")
    told = [{"layer": layer, "n": f"n = {counts[layer]}"} for layer in layers]
    names = alt.Chart(alt.InlineData(values=told)).mark_text(baseline="bottom", dy=-2)
    chart = alt.layer(
        ticks.encode(x=x, y=y),
        points.encode(x=x, y=y),
        names.encode(x=x, y=alt.datum(1), text="n:N"),
        draw_bound(INTERPRETABLE_ABOVE, INTERPRETABLE, axis="y"),
        height=190,
    )
    reading = (
        f"Each line is one unit, n counts them, the diamond is the layer's mean if the units are a sample of it, and "
        f"units over the dashed line ({INTERPRETABLE_ABOVE:g}) count as interpretable."
    )
    return Figure("precision-by-layer", "Precision by layer", chart.to_dict(), rows, reading)


def draw_precision_against_iou(report: Document) -> Figure:
    """One point per unit, its color and shape by how the two words relate."""
    keys = ("layer", "index", "concept", "broden_label", "precision", "iou", "relation")
    rows = [{key: u[key] for key in keys} for u in report["units"] if u["iou"] is not None and u["relation"]]
    relation = color_by("relation", RELATIONS, RELATION_COLORS, title="People's word is")
    points = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_point(filled=True, size=36, opacity=1)
        .encode(
            x=alt.X("iou:Q", title="IoU of the best label by pixels", scale=alt.Scale(zero=True)),
            y=alt.Y("precision:Q", title="mean precision by people", scale=alt.Scale(domain=[0, 1])),
            color=relation,
            shape=alt.Shape("relation:N", scale=alt.Scale(domain=RELATIONS, range=SHAPES), title="People's word is"),
            tooltip=[f"{key}:N" for key in keys],
        )
    )
    chart = alt.layer(
        points,
        draw_bound(INTERPRETABLE_ABOVE, INTERPRETABLE, axis="y"),
        draw_bound(DETECTOR_ABOVE, f"detector: over {DETECTOR_ABOVE:g}", axis="x"),
        height=230,
    )
    reading = (
        f"Each of n = {say_count(len(rows), 'unit')} is one point; units above the line at {INTERPRETABLE_ABOVE:g} are "
        f"interpretable to people, units at the right of the line at {DETECTOR_ABOVE:g} are detectors."
    )
    spec = chart.to_dict() | {
        "title": {"text": "Precision against IoU", "subtitle": [f"n = {say_count(len(rows), 'unit')}"]}
    }
    return Figure("precision-against-iou", "Precision against IoU", spec, rows, reading)
