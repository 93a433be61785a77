"""Lays a Vega-Lite figure out for a width in print: one unit of its drawing is one point, so text keeps its size."""

import copy
import json
import math
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import vl_convert

from annotator.figures.palette import MIDDLE_GRAY
from annotator.refusals import Refusal

POINTS_PER_INCH = 72
# Widths of the columns of most journals and conferences.
ONE_COLUMN_IN, TWO_COLUMNS_IN = 3.5, 7.0
NARROW_BELOW_IN = 5.0
MIN_WIDTH_IN, MAX_WIDTH_IN = 2.5, 20.0
DPI, MIN_DPI, MAX_DPI = 300, 72, 1200
LABEL_PT, NAME_PT, TITLE_PT = 7.5, 8.0, 9.0
# Mean width of a letter as a share of its height, on the safe side.
LETTER = 0.52
MIN_PANEL_PT = 60.0
# What an axis and its names need beside a panel, as a first guess.
BESIDE_PT = 40.0
# Drawings that a process keeps: of some 100 kB, a contact sheet of some MB.
N_KEPT = 32
N_TRIES = 6
IMAGE_GAP_PT = 2.0
INKS = {"light": "#2b313a", "dark": "#d7dce3"}
_SIZE = re.compile(r' width="(?P<width>[\d.]+)" height="(?P<height>[\d.]+)" viewBox="(?P<box>[^"]*)"')
Spec = dict[str, Any]


@dataclass(frozen=True)
class Paper:
    """`dpi` of the PNG: how many of its pixels are an inch of the width."""

    width_in: float = TWO_COLUMNS_IN
    dpi: int = DPI

    @property
    def width_pt(self) -> float:
        return self.width_in * POINTS_PER_INCH

    @property
    def is_narrow(self) -> bool:
        return self.width_in < NARROW_BELOW_IN


class BadPaper(Refusal):
    """A width or a number of dpi that no figure can have."""


def read_paper(width: str, dpi: int = DPI) -> Paper:
    """`width`: one, two (columns) or inches. Raises BadPaper."""
    named = {"one": ONE_COLUMN_IN, "two": TWO_COLUMNS_IN}
    try:
        width_in = named.get(width) or float(width)
    except ValueError:
        width_in = math.nan
    if not MIN_WIDTH_IN <= width_in <= MAX_WIDTH_IN:
        raise BadPaper(f"A width is one, two, or {MIN_WIDTH_IN:g} to {MAX_WIDTH_IN:g} inches, not {width}.")
    if not MIN_DPI <= dpi <= MAX_DPI:
        raise BadPaper(f"A PNG has {MIN_DPI} to {MAX_DPI} dpi, not {dpi}.")
    return Paper(width_in, dpi)


@dataclass(frozen=True)
class Drawing:
    """An SVG whose units are points, `width` times `height` of them."""

    svg: str
    width: float
    height: float

    def in_inches(self) -> str:
        """The SVG as a file: its size in inches, so that whoever places it keeps the size of its text."""
        size = f' width="{self.width / POINTS_PER_INCH:.4f}in" height="{self.height / POINTS_PER_INCH:.4f}in" viewBox="'
        return _SIZE.sub(lambda found: size + found["box"] + '"', self.svg, count=1)


def lay_out(spec: Spec, *, paper: Paper, theme: str = "light") -> Drawing:
    """The figure at the paper's width. Its panels get the width that the text beside them leaves.

    A drawing that cannot become as narrow as the paper is scaled down to it; one that is narrower keeps its size and
    has a margin at its right.
    """
    laid = _arrange(spec, paper)
    per_panel = max(1, _count_across(laid))
    panel = max(MIN_PANEL_PT, paper.width_pt / per_panel - BESIDE_PT)
    for _ in range(N_TRIES):
        svg, width, height = _draw(json.dumps(_set_widths(laid, panel)), theme)
        if abs(rest := paper.width_pt - width) < 0.5 or (rest < 0 and panel == MIN_PANEL_PT):
            break
        panel = min(max(MIN_PANEL_PT, panel + rest / per_panel), paper.width_pt)
    scale = min(1.0, paper.width_pt / width)
    size = (
        f' width="{paper.width_pt:g}" height="{height * scale:g}" viewBox="0 0 {paper.width_pt / scale:g} {height:g}"'
    )
    sized = _SIZE.sub(size, svg, count=1)
    return Drawing(sized, paper.width_pt, height * scale)


def _arrange(spec: Spec, paper: Paper) -> Spec:
    """Fewer panels side by side on narrow paper, and lines of text that end at its edge."""
    laid = copy.deepcopy(spec)
    for view in _list_views(laid):
        if paper.is_narrow and "columns" in view:
            view["columns"] = 1
    if title := laid.get("title"):
        words = {"text": title} if isinstance(title, str) else title
        laid["title"] = {
            **words,
            "text": _wrap(words["text"], paper.width_pt, TITLE_PT),
            "subtitle": [line for text in _list_texts(words.get("subtitle")) for line in
                         _wrap(text, paper.width_pt, LABEL_PT)],
        }  # fmt: skip
    return laid


def _list_texts(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def _wrap(text: Any, width: float, size: float) -> list[str]:
    n_letters = max(12, int(width / (size * LETTER)))
    return [line for part in _list_texts(text) for line in textwrap.wrap(part, n_letters)]


def _list_views(spec: Spec) -> Iterator[Spec]:
    yield spec
    for name in ("concat", "hconcat", "vconcat"):
        for part in spec.get(name, ()):
            yield from _list_views(part)
    if "spec" in spec:
        yield from _list_views(spec["spec"])


def _count_across(spec: Spec) -> int:
    """Panels side by side."""
    if "concat" in spec:
        return min(len(spec["concat"]), int(spec.get("columns", len(spec["concat"]))))
    return int(spec.get("columns", 1)) if "facet" in spec else 1


def _set_widths(spec: Spec, panel: float) -> Spec:
    sized = copy.deepcopy(spec)
    for view in _list_views(sized):
        if "layer" in view or "mark" in view:
            view["width"] = panel
            if grid := spec.get("usermeta"):
                _fit_images(view, grid, panel)
    return sized


def _fit_images(view: Spec, grid: Spec, panel: float) -> None:
    """Pictures that lie side by side share the width of their panel. `grid`: how many, their largest side, and the
    room for text above each row, in points.
    """
    side = min(grid["most_pt"], panel / grid["in_a_row"] - IMAGE_GAP_PT)
    for part in [view, *view.get("layer", ())]:
        if not isinstance(part.get("mark"), dict):
            continue
        if part["mark"]["type"] == "image":
            part["mark"] = {**part["mark"], "width": side, "height": side}
            view["height"] = _count_rows(part) * (side + grid["text_pt"])
        elif part["mark"].get("baseline") == "bottom" and part["mark"].get("align") == "left":
            part["mark"] = {**part["mark"], "dy": -side / 2 - 3}


def _count_rows(part: Spec) -> float:
    domain = part["encoding"]["y"].get("scale", {}).get("domain", [0, 1])
    return float(abs(domain[1] - domain[0]))


@lru_cache(maxsize=N_KEPT)
def _draw(spec: str, theme: str) -> tuple[str, float, float]:
    """Kept, since a page, its files and a report draw the same figure one after the other, 0.3 s each time."""
    svg: str = vl_convert.vegalite_to_svg(spec, config=_configure(theme), allowed_base_urls=[])
    found = _SIZE.search(svg)
    assert found, "Vega writes the size of each drawing"
    return svg, float(found["width"]), float(found["height"])


def _configure(theme: str) -> dict[str, Any]:
    ink = INKS[theme]
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": LABEL_PT, "titleFontSize": NAME_PT}
    return {
        "background": "transparent",
        "font": "Arial, Helvetica, Liberation Sans, sans-serif",
        "padding": 2,
        "view": {"stroke": None},
        # An edge, so that the darkest color shows on a dark page and the lightest on a light one.
        "bar": {"stroke": MIDDLE_GRAY, "strokeWidth": 0.4},
        "axis": {**text, "gridColor": MIDDLE_GRAY, "gridOpacity": 0.2, "domainColor": ink, "tickColor": ink,
                 "titleFontWeight": "normal", "labelLimit": 120, "tickSize": 3},
        "legend": {**text, "titleFontWeight": "normal", "labelLimit": 120, "orient": "bottom", "columns": 2,
                   "symbolSize": 40, "titleLimit": 200},
        "header": {**text, "labelLimit": 220},
        "title": {"color": ink, "subtitleColor": ink, "anchor": "start", "fontSize": TITLE_PT, "fontWeight": 600,
                  "subtitleFontSize": LABEL_PT, "limit": 1000},
        "text": {"color": ink, "fontSize": LABEL_PT},
        "concat": {"spacing": 12},
        "facet": {"spacing": 12},
    }  # fmt: skip
