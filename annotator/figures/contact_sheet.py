"""A contact sheet: the best units of a layer, each with its top crops and what is said of it."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from annotator.figures.drawing import Figure
from workers.engine.plurals import say_count

N_UNITS, N_CROPS = 12, 6
COLUMNS = 2
TEXT_PT = 13


@dataclass(frozen=True)
class SheetUnit:
    """`words`: what is said of the unit; `crops`: JPEGs of its first ranks."""

    index: int
    words: str
    crops: Sequence[bytes]


def draw_contact_sheet(units: Sequence[SheetUnit], *, name: str, layer: str, best_by: str) -> Figure:
    """The units in the order given, at most N_UNITS of them; the first of a panel lies on top."""
    shown = list(units[:N_UNITS])
    half = -(-len(shown) // COLUMNS)
    panels = [_draw_panel(part) for part in (shown[:half], shown[half:]) if part]
    grid = {"in_a_row": N_CROPS, "most_pt": 60, "text_pt": TEXT_PT}
    chart = alt.concat(*panels, columns=COLUMNS).properties(usermeta=grid)
    title = f"Best units of {layer}"
    told = [f"n = {say_count(len(shown), 'unit')} of highest {best_by}, {N_CROPS} top crops of each by rank"]
    rows = [{"unit": unit.index, "words": unit.words, "crops": len(unit.crops)} for unit in shown]
    reading = f"Each row is one unit with its top crops from the left; the units are those of highest {best_by}."
    return Figure(name, title, chart.to_dict() | {"title": {"text": title, "subtitle": told}}, rows, reading)


def _draw_panel(units: Sequence[SheetUnit]) -> alt.LayerChart | alt.FacetChart:
    y = alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[len(units) - 0.5, -0.5]))
    x_scale = alt.Scale(domain=[-0.5, N_CROPS - 0.5])
    tiles = [
        {"row": row, "rank": rank, "url": f"data:image/jpeg;base64,{b64encode(crop).decode()}"}
        for row, unit in enumerate(units)
        for rank, crop in enumerate(unit.crops[:N_CROPS])
    ]
    words = [{"row": row, "words": f"{unit.index}  {unit.words}"} for row, unit in enumerate(units)]
    images = alt.Chart(alt.InlineData(values=tiles)).mark_image(width=10, height=10)
    names = alt.Chart(alt.InlineData(values=words)).mark_text(align="left", baseline="bottom")
    names = names.encode(x=alt.value(0), y=y, text="words:N")
    return alt.layer(images.encode(x=alt.X("rank:Q", axis=None, scale=x_scale), y=y, url="url:N"), names)
