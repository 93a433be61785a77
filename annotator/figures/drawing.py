"""A figure as SVG, PNG, Vega-Lite and the data behind it; nothing is loaded from anywhere while drawing."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vl_convert

from annotator.csv_files import write_csv

Rows = Sequence[Mapping[str, Any]]

# Of the words that say who answered a report's questions.
SIMULATED = "simulated"
ENDINGS = ("svg", "png", "csv", "vl.json")
# Lines that show on white and on near-black alike.
MIDDLE_GRAY = "#7c8594"
INKS = {"light": "#2b313a", "dark": "#d7dce3"}
PAGES = {"light": "#ffffff", "dark": "#14181d"}
PNG_SCALE = 2.0
# Where an SVG names a gradient or a clip, or refers to it.
DRAWN_ID = re.compile(r'(?P<before>(?: id="|url\(#|href="#))(?P<name>(?P<kind>gradient_|clip)\d+)(?=["\)])')


@dataclass(frozen=True)
class Figure:
    """`spec` is Vega-Lite, complete with its data; `rows` are the same numbers as a table."""

    name: str
    title: str
    spec: dict[str, Any]
    rows: Rows


def say_who_answered(figure: Figure, *, answers_by: str) -> Figure:
    """A figure of what simulated people answered says so in its title, in its picture and in each of its rows."""
    if SIMULATED not in answers_by:
        return figure
    title = say_in_title(figure.title, answers_by=answers_by)
    spec = figure.spec | {"title": {"text": figure.title, "subtitle": f"Answers by {answers_by}"}}
    return Figure(figure.name, title, spec, [{**row, "answers_by": answers_by} for row in figure.rows])


def say_in_title(title: str, *, answers_by: str) -> str:
    return f"{title}, answers by {answers_by}" if SIMULATED in answers_by else title


def render(figure: Figure, ending: str, *, theme: str = "light") -> bytes:
    """The file of this ending, one of ENDINGS. `theme`: the page behind is light or dark; an SVG is transparent, a PNG
    is on white or near-black, with two pixels to the point. A CSV is safe to open in a spreadsheet.
    """
    match ending:
        case "svg":
            svg: str = vl_convert.vegalite_to_svg(figure.spec, config=_configure(theme), allowed_base_urls=[])
            return _number_ids(svg).encode()
        case "png":
            config = {**_configure(theme), "background": PAGES[theme]}
            png: bytes = vl_convert.vegalite_to_png(figure.spec, config=config, scale=PNG_SCALE, allowed_base_urls=[])
            return png
        case "csv":
            columns = list(dict.fromkeys(column for row in figure.rows for column in row))
            return write_csv(figure.rows, columns=columns).encode()
    return json.dumps(figure.spec, indent=1).encode()


def save_figure(figure: Figure, *, folder: Path) -> None:
    """NAME.svg, NAME.png, NAME.csv and NAME.vl.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ENDINGS:
        (folder / f"{figure.name}.{ending}").write_bytes(render(figure, ending))


def _number_ids(svg: str) -> str:
    """Gradients and clips are numbered through a process's life. From zero, the same figure is the same bytes."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        kind, name = found["kind"], found["name"]
        return found["before"] + numbers.setdefault(name, f"{kind}{len(numbers)}")

    return DRAWN_ID.sub(number, svg)


def _configure(theme: str) -> dict[str, Any]:
    ink = INKS[theme]
    labels = {"labelColor": ink, "titleColor": ink}
    return {
        "background": "transparent",
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {**labels, "gridColor": MIDDLE_GRAY, "gridOpacity": 0.2, "domainColor": ink, "tickColor": ink,
                 "titleFontWeight": "normal", "labelLimit": 240},
        "legend": {**labels, "titleFontWeight": "normal", "labelLimit": 240},
        "header": labels,
        "title": {"color": ink, "subtitleColor": ink, "anchor": "start", "fontSize": 13, "fontWeight": 600},
        "text": {"color": ink},
    }  # fmt: skip
