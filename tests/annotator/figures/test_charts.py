"""The figures draw what the report says: complete specifications, vectors, pixels and the rows behind them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annotator.crowd.categories import SemanticCategory
from annotator.figures.ablation import ORDERS, draw_ablation
from annotator.figures.confusion import draw_category_confusion
from annotator.figures.drawing import ENDINGS, Figure, render, save_figure
from annotator.figures.listing import NoSuchFigure, draw_figure, list_figures
from annotator.figures.object_detectors import draw_object_detectors
from annotator.figures.shares import draw_networks_side_by_side, draw_semantic_types
from annotator.figures.unique_detectors import draw_unique_detectors, draw_unique_detectors_along
from annotator.labels.lexicon import load_lexicon

SIX = [str(category) for category in SemanticCategory]
NONE = dict.fromkeys(("object", "part", "scene", "material", "texture", "color"), 0)


def unit(
    index: int, concept: str, category: str, precision: float, relation: str, layer: str = "conv5"
) -> dict[str, Any]:
    return {
        "layer": layer, "index": index, "concept": concept, "category": category, "precision": precision,
        "broden_label": "lamp", "broden_category": "object", "iou": 0.05 + index / 100, "relation": relation,
    }  # fmt: skip


REPORT: dict[str, Any] = {
    "layers": [
        {"path": "conv4", "mean_precision": 0.7, "category_shares": {**dict.fromkeys(SIX, 0.1), "object": 0.5}},
        {"path": "conv5", "mean_precision": None, "category_shares": dict.fromkeys(SIX, 1 / 6)},
    ],
    "units": [
        unit(0, "chandelier", "object", 0.9, "hyponym"),
        unit(1, "lamp", "object", 0.95, "equal"),
        unit(2, "lamp", "object", 0.8, "equal"),
        unit(3, "skyscraper", "object", 0.99, "different"),
        unit(4, "horse", "object", 0.5, "different"),
        unit(5, "bedroom", "scene", 0.9, "different", layer="conv4"),
    ],
    "agreement": {"category_confusion": {category: {**NONE, "object": i} for i, category in enumerate(SIX)}},
}


def detectors(crops: dict[tuple[str, int], bytes] | None = None) -> Figure:
    return draw_object_detectors(
        REPORT, name="object-detectors", layer="conv5", lexicon=load_lexicon(), crops=crops or {}
    )


def test_interpretable_units_stand_under_their_groups() -> None:
    assert [(row["group"], row["concept"], row["units"], row["examples"]) for row in detectors().rows] == [
        ("buildings", "skyscraper", 1, "3"),
        ("lighting", "lamp", 2, "1 2"),
        ("lighting", "chandelier", 1, "0"),
    ]


def test_example_crops_of_the_units_lie_in_the_drawing() -> None:
    packed = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(packed, "JPEG")
    svg = render(detectors({("conv5", 1): packed.getvalue()}), "svg").decode()
    assert svg.count("<image ") == 1
    assert "<image " not in render(detectors(), "svg").decode()


def test_importance_stands_against_precision_layer_by_layer() -> None:
    assert "precision-against-importance" not in dict(list_figures(REPORT))
    weighed = [{**one, "importance": None if one["index"] == 4 else one["index"] / 10} for one in REPORT["units"]]
    figure = draw_figure(report={**REPORT, "units": weighed}, name="precision-against-importance")
    assert [(row["layer"], row["index"], row["importance"], row["unit"]) for row in figure.rows] == [
        ("conv5", 0, 0.0, "interpretable"), ("conv5", 1, 0.1, "interpretable"), ("conv5", 2, 0.2, "interpretable"),
        ("conv5", 3, 0.3, "interpretable"), ("conv4", 5, 0.5, "interpretable"),
    ]  # fmt: skip
    assert render(figure, "svg").decode().count("conv5") >= 1


def point(n: int, value: float | None) -> dict[str, Any]:
    return {"n": n, "value": value, "low": value, "high": value}


def test_ablation_has_a_figure_for_all_classes_and_one_for_each() -> None:
    curve = {order: [point(0, 0.9), point(1, 0.5), point(8, 0.1)] for order in ORDERS}
    nobody = {order: [point(0, None)] for order in ORDERS}
    both = {"own": {"n_images": 3, "curves": curve}, "others": {"n_images": 0, "curves": nobody}}
    answer = {"layer": "f", "n_units": 8, **both, "classes": [{"class_index": 7, "label": "cock, rooster", **both}]}
    figures = list(draw_ablation(answer))
    assert [figure.name for figure in figures] == ["ablation", "ablation-7"]
    for figure in figures:
        assert [row["accuracy"] for row in figure.rows] == [0.9, 0.5, 0.1] * 3
        assert "3 photographs of the class" in render(figure, "svg").decode()


@pytest.mark.parametrize(
    "name", ["semantic-types", "precision-by-layer", "precision-against-iou", "category-confusion"]
)
def test_each_figure_is_drawn_with_its_numbers(name: str) -> None:
    figure = draw_figure(report=REPORT, name=name)
    svg = render(figure, "svg").decode()
    assert svg.startswith("<svg")
    assert (name, figure.title) in list_figures(REPORT)
    assert len(list(csv.reader(io.StringIO(render(figure, "csv").decode())))) == len(figure.rows) + 1


def test_shares_of_every_layer_are_drawn_as_they_are() -> None:
    rows = draw_semantic_types(REPORT).rows
    assert [row["share"] for row in rows if row["layer"] == "conv4" and row["category"] == "object"] == [0.5]
    both = draw_networks_side_by_side({"one": REPORT, "two": REPORT})
    assert len(both.rows) == 2 * len(rows)
    assert all(word in render(both, "svg").decode() for word in ("one", "two", "conv4"))


def test_the_network_with_most_unique_detectors_stands_first() -> None:
    rows = [
        {"network": "small", "category": "object", "n_unique": 3},
        {"network": "large", "category": "object", "n_unique": 2},
        {"network": "large", "category": "part", "n_unique": 2},
    ]
    svg = render(draw_unique_detectors(rows), "svg").decode()
    assert svg.index(">large<") < svg.index(">small<")


def test_detectors_along_a_rotation_are_a_line_a_category() -> None:
    rows = [{"position": p, "category": c, "n_unique": 5} for p in (0, 0.5, 1) for c in ("object", "texture")]
    figure = draw_unique_detectors_along(rows, axis="rotation")
    assert figure.title == "Unique detectors along rotation"
    assert render(figure, "svg").decode().count("line mark container") >= 2


def test_a_figure_is_saved_as_vectors_pixels_numbers_and_specification(tmp_path: Path) -> None:
    figure = draw_category_confusion(REPORT)
    save_figure(figure, folder=tmp_path / "new")
    paths = {path.name.partition(".")[2]: path for path in (tmp_path / "new").iterdir()}
    assert set(paths) == set(ENDINGS) == {"svg", "pdf", "png", "csv", "txt", "vl.json"}
    with Image.open(paths["png"]) as picture:
        assert picture.width > 600
    assert json.loads(paths["vl.json"].read_text()) == figure.spec


def test_a_png_is_white_or_dark_as_its_theme_says() -> None:
    figure = draw_category_confusion(REPORT)
    corners = {}
    for theme in ("light", "dark"):
        with Image.open(io.BytesIO(render(figure, "png", theme=theme))) as picture:
            corners[theme] = picture.convert("RGBA").getpixel((0, 0))
    assert corners == {"light": (255, 255, 255, 255), "dark": (20, 24, 29, 255)}


def test_cells_that_a_spreadsheet_would_run_are_defused() -> None:
    figure = Figure("x", "X", {}, [{"concept": "=1+1", "units": -3}])
    assert render(figure, "csv") == b"concept,units\n'=1+1,-3\n"


def test_an_unknown_figure_is_refused_with_those_there_are() -> None:
    with pytest.raises(NoSuchFigure, match="no figure pie; there are semantic-types, "):
        draw_figure(report=REPORT, name="pie")
