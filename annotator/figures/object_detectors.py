"""Object detectors as in the talk: how many units people called each thing, with example crops under the bars."""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from annotator.comparison.summary import Document
from annotator.figures.drawing import Figure
from annotator.figures.object_groups import GROUPS, find_group
from annotator.figures.palette import ONE_COLOR
from annotator.labels.lexicon import Lexicon
from annotator.labels.spelling import fold_spelling
from workers.engine.format.bounds import INTERPRETABLE_ABOVE
from workers.engine.plurals import say_count

Place = tuple[str, int]
N_EXAMPLES = 4
CROP_PT = 36


def draw_object_detectors(
    report: Document, *, name: str, layer: str, lexicon: Lexicon, crops: Mapping[Place, bytes]
) -> Figure:
    """How many interpretable units of the layer people called each thing, by group, example crops under the bars.

    `crops` holds a JPEG of a unit's top crop; an imported campaign has none.
    """
    asked = [unit for unit in report["units"] if unit["layer"] == layer]
    units = [
        unit
        for unit in asked
        if unit["concept"]
        and unit["category"] in ("object", "object part", "scene", "region or surface")
        and unit["precision"] > INTERPRETABLE_ABOVE
    ]
    rows = _count_concepts(units, lexicon)
    highest = max((row["units"] for row in rows), default=1)
    panels = [
        _draw_group(group, [row for row in rows if row["group"] == group], highest, crops)
        for group in GROUPS
        if any(row["group"] == group for row in rows)
    ]
    title = f"Object detectors of {layer}"
    chart: Any = alt.concat(*panels, columns=2).resolve_scale(x="independent") if panels else _draw_nothing()
    grid = {"in_a_row": N_EXAMPLES, "most_pt": CROP_PT, "text_pt": 0}
    told = [f"n = {len(units)} of {say_count(len(asked), 'unit')} with labels"]
    spec = chart.properties(usermeta=grid).to_dict() | {"title": {"text": title, "subtitle": told}}
    listed = [{**row, "examples": " ".join(str(index) for index in row["examples"])} for row in rows]
    reading = (
        f"Each bar counts the units of precision over {INTERPRETABLE_ABOVE:g} that people called this thing, spellings "
        "of one word together; below the bars lie top crops of their units."
    )
    return Figure(name, title, spec, listed, reading)


def _count_concepts(units: Sequence[Document], lexicon: Lexicon) -> list[Document]:
    """Groups in their order, then the most frequent concept first, then the alphabet.

    "light house" and "lighthouse" are one concept, in the spelling that most units have.
    """
    spelled: dict[str, Counter[str]] = {}
    for unit in units:
        spelled.setdefault(fold_spelling(unit["concept"]), Counter())[unit["concept"]] += 1
    rows = []
    for key, spellings in spelled.items():
        concept = min(spellings, key=lambda one: (-spellings[one], len(one), one))
        mine = [unit for unit in units if fold_spelling(unit["concept"]) == key]
        category = Counter(unit["category"] for unit in mine).most_common(1)[0][0]
        best = sorted(mine, key=lambda unit: (-unit["precision"], unit["index"]))
        group = find_group(concept=concept, category=category, lexicon=lexicon)
        examples = [unit["index"] for unit in best]
        layer = mine[0]["layer"]
        rows.append({"group": group, "concept": concept, "units": len(mine), "layer": layer, "examples": examples})
    return sorted(rows, key=lambda row: (GROUPS.index(row["group"]), -row["units"], row["concept"]))


def _draw_group(group: str, rows: Sequence[Document], highest: int, crops: Mapping[Place, bytes]) -> alt.VConcatChart:
    values = [{"concept": row["concept"], "units": row["units"]} for row in rows]
    n_units = sum(row["units"] for row in rows)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X("concept:N", sort=[row["concept"] for row in rows], title=None, axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("units:Q", title="units", scale=alt.Scale(domain=[0, highest]), axis=alt.Axis(tickMinStep=1)),
    )
    bars = alt.layer(
        base.mark_bar(color=ONE_COLOR, width={"band": 0.7}),
        base.mark_text(baseline="bottom", dy=-1).encode(text="units:Q"),
        height=80,
        title=alt.TitleParams(f"{group}, n = {n_units}", fontSize=8, offset=10),
    )
    places = [(row["layer"], index) for row in rows for index in row["examples"]]
    shown = [place for place in places if place in crops][:N_EXAMPLES]
    if not shown:
        return alt.vconcat(bars)
    urls = [f"data:image/jpeg;base64,{b64encode(crops[place]).decode()}" for place in shown]
    tiles = [{"place": i, "url": url} for i, url in enumerate(urls)]
    strip = (
        alt.Chart(alt.InlineData(values=tiles), height=CROP_PT)
        .mark_image(width=CROP_PT, height=CROP_PT)
        .encode(
            x=alt.X("place:Q", axis=None, scale=alt.Scale(domain=[-0.5, N_EXAMPLES - 0.5])),
            y=alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[-0.5, 0.5])),
            url="url:N",
        )
        .transform_calculate(row="0")
    )
    return alt.vconcat(bars, strip)


def _draw_nothing() -> alt.Chart:
    words = [{"words": "no interpretable unit"}]
    empty: alt.Chart = alt.Chart(alt.InlineData(values=words), height=60).mark_text()
    return empty.encode(text="words:N")
