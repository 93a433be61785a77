"""A figure as SVG, PNG, Vega-Lite and the data behind it; nothing is loaded from anywhere while drawing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vl_convert

from annotator.csv_files import write_csv

Rows = Sequence[Mapping[str, Any]]

# Text that reads on white and on near-black alike; the page behind gives the background.
MIDDLE_GRAY = "#7c8594"
INKS = {"either": MIDDLE_GRAY, "light": "#2b313a", "dark": "#d7dce3"}
PNG_SCALE = 2.0


@dataclass(frozen=True)
class Figure:
    """`spec` is Vega-Lite, complete with its data; `rows` are the same numbers as a table."""

    name: str
    title: str
    spec: dict[str, Any]
    rows: Rows


def render_svg(figure: Figure, *, theme: str = "either") -> str:
    """`theme`: light, dark, or either (transparent, mid-gray text)."""
    svg: str = vl_convert.vegalite_to_svg(figure.spec, config=_configure(theme), allowed_base_urls=[])
    return svg


def render_png(figure: Figure, *, theme: str = "light") -> bytes:
    """On white for light, on near-black for dark, else transparent; two pixels to the point."""
    png: bytes = vl_convert.vegalite_to_png(
        figure.spec, config=_configure(theme, is_opaque=True), scale=PNG_SCALE, allowed_base_urls=[]
    )
    return png


def write_rows(figure: Figure) -> str:
    """CSV that is safe to open in a spreadsheet."""
    return write_csv(figure.rows, columns=list(dict.fromkeys(column for row in figure.rows for column in row)))


def save_figure(figure: Figure, *, folder: Path) -> list[Path]:
    """NAME.svg, NAME.png, NAME.csv and NAME.vl.json."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "svg": render_svg(figure, theme="light").encode(),
        "png": render_png(figure),
        "csv": write_rows(figure).encode(),
        "vl.json": json.dumps(figure.spec, indent=1).encode(),
    }
    paths = [folder / f"{figure.name}.{ending}" for ending in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    return paths


def _configure(theme: str, *, is_opaque: bool = False) -> dict[str, Any]:
    ink = INKS[theme]
    background = {"light": "#ffffff", "dark": "#14181d"}.get(theme) if is_opaque else None
    labels = {"labelColor": ink, "titleColor": ink}
    return {
        "background": background or "transparent",
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {**labels, "gridColor": MIDDLE_GRAY, "gridOpacity": 0.2, "domainColor": ink, "tickColor": ink,
                 "titleFontWeight": "normal", "labelLimit": 240},
        "legend": {**labels, "titleFontWeight": "normal", "labelLimit": 240},
        "header": labels,
        "title": {"color": ink, "subtitleColor": ink, "anchor": "start", "fontSize": 13, "fontWeight": 600},
        "text": {"color": ink},
    }  # fmt: skip
