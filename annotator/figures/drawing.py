"""A figure as SVG, PDF, PNG, Vega-Lite, its caption and its data; nothing is loaded from anywhere while drawing."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import vl_convert

from annotator.csv_files import write_csv
from annotator.figures.paper import Paper, lay_out

Rows = Sequence[Mapping[str, Any]]

# Of the words that say who answered a report's questions.
SIMULATED = "simulated"
ENDINGS = ("svg", "pdf", "png", "csv", "txt", "vl.json")
PAGES = {"light": "#ffffff", "dark": "#14181d"}
PAPER = Paper()
# Where an SVG names a gradient or a clip, or refers to it.
DRAWN_ID = re.compile(r'(?P<before>(?: id="|url\(#|href="#))(?P<name>(?P<kind>gradient_|clip)\d+)(?=["\)])')


@dataclass(frozen=True)
class Figure:
    """`spec` is Vega-Lite, complete with its data; `rows` are the same numbers as a table.

    `reading`: one sentence on how to read it. `about`: which network, images and units, and who answered.
    """

    name: str
    title: str
    spec: dict[str, Any]
    rows: Rows
    reading: str = ""
    about: str = ""

    @property
    def titled(self) -> dict[str, Any]:
        """The specification with its title."""
        return {"title": self.title, **self.spec}

    @property
    def caption(self) -> str:
        """Two sentences: what is drawn of what, and how to read it."""
        drawn = f"{self.title} ({self.about})." if self.about else f"{self.title}."
        return f"{drawn} {self.reading}".strip()


def say_about(figure: Figure, *, about: str) -> Figure:
    """Below its title, the picture says which network, images and units it is about."""
    if not about:
        return figure
    title = figure.spec.get("title")
    words = title if isinstance(title, dict) else {"text": title or figure.title}
    already = words.get("subtitle", [])
    below = [about, *([already] if isinstance(already, str) else already)]
    return replace(figure, about=about, spec=figure.spec | {"title": {**words, "subtitle": below}})


def say_who_answered(figure: Figure, *, answers_by: str) -> Figure:
    """A figure of what simulated people answered says so in its title, in its picture and in each of its rows."""
    if SIMULATED not in answers_by:
        return figure
    title = say_in_title(figure.title, answers_by=answers_by)
    told = say_about(figure, about=f"Answers by {answers_by}")
    rows = [{**row, "answers_by": answers_by} for row in figure.rows]
    return replace(told, title=title, rows=rows, about=figure.about)


def say_in_title(title: str, *, answers_by: str) -> str:
    return f"{title}, answers by {answers_by}" if SIMULATED in answers_by else title


def render(figure: Figure, ending: str, *, theme: str = "light", paper: Paper = PAPER) -> bytes:
    """The file of this ending, one of ENDINGS, as wide as `paper`. `theme`: the page behind is light or dark; an SVG or
    PDF is transparent, a PNG is on white or near-black. A PDF embeds its fonts as outlines (TrueType, never Type 3).
    A CSV is safe to open in a spreadsheet.
    """
    match ending:
        case "svg":
            return _number_ids(lay_out(figure.titled, paper=paper, theme=theme).in_inches()).encode()
        case "pdf":
            pdf: bytes = vl_convert.svg_to_pdf(lay_out(figure.titled, paper=paper, theme=theme).svg)
            return pdf
        case "png":
            svg = lay_out(figure.titled, paper=paper, theme=theme).svg
            png: bytes = vl_convert.svg_to_png(_paint_page(svg, theme), scale=1, ppi=paper.dpi)
            return png
        case "csv":
            columns = list(dict.fromkeys(column for row in figure.rows for column in row))
            return write_csv(figure.rows, columns=columns).encode()
        case "txt":
            return f"{figure.caption}\n".encode()
    return json.dumps(figure.spec, indent=1).encode()


def save_figure(figure: Figure, *, folder: Path, paper: Paper = PAPER) -> None:
    """NAME.svg, NAME.pdf, NAME.png, NAME.csv, NAME.txt (the caption) and NAME.vl.json."""
    folder.mkdir(parents=True, exist_ok=True)
    drawing = lay_out(figure.titled, paper=paper)
    drawn = {
        "svg": _number_ids(drawing.in_inches()).encode(),
        "pdf": vl_convert.svg_to_pdf(drawing.svg),
        "png": vl_convert.svg_to_png(_paint_page(drawing.svg, "light"), scale=1, ppi=paper.dpi),
    }
    for ending in ENDINGS:
        content = drawn[ending] if ending in drawn else render(figure, ending)
        (folder / f"{figure.name}.{ending}").write_bytes(content)


def _paint_page(svg: str, theme: str) -> str:
    head, _, body = svg.partition(">")
    return f'{head}><rect width="100%" height="100%" fill="{PAGES[theme]}"/>{body}'


def _number_ids(svg: str) -> str:
    """Gradients and clips are numbered through a process's life. From zero, the same figure is the same bytes."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        kind, name = found["kind"], found["name"]
        return found["before"] + numbers.setdefault(name, f"{kind}{len(numbers)}")

    return DRAWN_ID.sub(number, svg)
