"""Figures fit to print: their width, the size of their text, their fonts, and colors that everybody can tell apart."""

import itertools
import re
import zlib
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from annotator.figures import palette
from annotator.figures.contact_sheet import SheetUnit, draw_contact_sheet
from annotator.figures.drawing import Figure, render
from annotator.figures.layer_detectors import draw_layer_detectors
from annotator.figures.listing import draw_figure, list_figures
from annotator.figures.paper import BadPaper, Paper, read_paper
from annotator.labels.spelling import fold_spelling
from tests.annotator.figures.test_charts import REPORT

Array = NDArray[np.float64]
# Machado, Oliveira and Fernandes 2009, whole loss; on linear RGB.
SIMULATED = {
    "everybody": np.eye(3),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.01182, 0.04294, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
}  # fmt: skip
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


def to_lab(color: str, seen: Array) -> Array:
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(seen @ linear, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@cache
def list_figures_of_all() -> list[Figure]:
    units = [{**unit, "importance": unit["index"] / 10, "answers": [{}] * 3} for unit in REPORT["units"]]
    report: dict[str, Any] = {**REPORT, "units": units, "networks": [{"name": "net"}], "answers_by": "simulated people"}
    figures = [draw_figure(report=report, name=name) for name, _ in list_figures(report)]
    labels = [("object", "traffic light")] * 5 + [("texture", "striped")]
    figures.append(draw_layer_detectors(labels, name="detectors", layer="features.10", n_units=512))
    sheet = [SheetUnit(7, "lamp, IoU 0.120", [])]
    return [*figures, draw_contact_sheet(sheet, name="best", layer="features.10", best_by="IoU")]


@pytest.mark.parametrize("seen", SIMULATED)
def test_colors_are_told_apart(seen: str) -> None:
    for colors in (palette.SEMANTIC_COLORS, palette.BRODEN_COLORS, palette.RELATION_COLORS):
        found = [to_lab(color, SIMULATED[seen]) for color in colors]
        assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(found, 2)) > 20
        lightness = sorted(float(one[0]) for one in found)
        assert min(b - a for a, b in itertools.pairwise(sorted(float(to_lab(c, np.eye(3))[0]) for c in colors))) > 8
        assert len(lightness) == 6


@cache
def draw_narrow() -> dict[str, str]:
    """Each figure for one column, where the least room is."""
    return {figure.name: render(figure, "svg", paper=Paper(3.5)).decode() for figure in list_figures_of_all()}


def test_every_figure_has_its_width_and_readable_text() -> None:
    for name, svg in draw_narrow().items():
        found = re.search(r'width="([\d.]+)in" height="[\d.]+in" viewBox="0 0 ([\d.]+) ', svg)
        assert found, name
        assert float(found[1]) == pytest.approx(3.5)
        sizes = [float(size) * 3.5 * 72 / float(found[2]) for size in re.findall(r'font-size="([\d.]+)px"', svg)]
        assert sizes, name
        assert min(sizes) >= 7, (name, min(sizes))


def test_every_figure_says_what_it_is_about_and_how_many() -> None:
    for figure in list_figures_of_all():
        svg = draw_narrow()[figure.name]
        assert "n = " in svg, figure.name
        assert figure.title.partition(",")[0] in svg.replace("&apos;", "'"), figure.name
        assert figure.reading, figure.name
        assert render(figure, "txt").decode().startswith(figure.title)
    assert "interpretable: over 0.75" in draw_narrow()["precision-by-layer"]
    assert "Answers by simulated people" in draw_narrow()["precision-by-layer"]
    assert "detector: over 0.04" in draw_narrow()["precision-against-iou"]


def test_a_pdf_is_as_wide_as_asked_and_embeds_its_fonts() -> None:
    figure = list_figures_of_all()[0]
    pdf = render(figure, "pdf", paper=Paper(3.5))
    unpacked = pdf + b"".join(_unpack(part) for part in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL))
    assert re.search(rb"/MediaBox ?\[0 0 252 ", unpacked)
    assert b"/FontFile2" in unpacked or b"/FontFile3" in unpacked
    assert b"/Type3" not in unpacked


def _unpack(part: bytes) -> bytes:
    try:
        return zlib.decompress(part)
    except zlib.error:
        return b""


def test_a_png_has_the_pixels_of_its_width(tmp_path: Any) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(render(list_figures_of_all()[0], "png", paper=Paper(3.5, 600)))
    with Image.open(path) as picture:
        assert abs(picture.width - 2100) <= 1
        assert picture.info["dpi"][0] == pytest.approx(600, abs=1)


def test_a_share_or_count_of_zero_is_empty() -> None:
    svg = render(draw_figure(report=REPORT, name="category-confusion"), "svg").decode()
    assert ">5</text>" in svg
    assert ">0</text>" not in svg


def test_spellings_of_one_word_are_one_bar() -> None:
    words = ("light house", "lighthouse", "Light-House")
    units = [{**REPORT["units"][1], "index": i, "concept": word} for i, word in enumerate([*words, "lamp"])]
    figure = draw_figure(report={**REPORT, "units": units}, name="object-detectors-conv5")
    assert sorted((row["concept"], row["units"]) for row in figure.rows) == [("lamp", 1), ("lighthouse", 3)]
    assert fold_spelling("…") == "…"


@pytest.mark.parametrize("width", ["three", "0.5", "nan", "99"])
def test_a_width_that_no_page_has_is_refused(width: str) -> None:
    with pytest.raises(BadPaper, match="one, two, or"):
        read_paper(width)
