"""An explained photograph as one picture: maps and boxes on the left, the units behind each score on the right."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageEnhance, ImageOps

from workers.engine.drawing.lettering import NOTE_PX, Pen

# Twice what it is shown at: sharp on dense screens, and small words keep their spaces.
PHOTOGRAPH_PX = 600
CROP_PX = 88
LIST_PX = 1480
GAP_PX = 32
TITLE_PX, TEXT_PX, LINE_PX = 36, 28, 48
MAX_SHOWN, MAX_UNITS = 3, 6
INK, QUIET, PAPER = (32, 38, 46), (110, 118, 130), (255, 255, 255)
# What speaks for a class, and what speaks against it; told apart by people who do not see red and green.
FOR, AGAINST = (214, 96, 20), (40, 96, 190)
STRENGTH = 0.65
# The photograph keeps this share of its colors, so that those of the map can be told from them.
FADED = 0.25
NOT_ASKED = "not asked yet"
Crops = Mapping[int, Picture.Image]


def draw_explanation(answer: Mapping[str, Any], *, photograph: bytes, crops: Crops, nameless: str = NOT_ASKED) -> bytes:
    """A PNG of the first predictions of an answer of `explain`; its units have names: `concept`, `said_by`,
    `precision`, `broden_label`, `iou`. `crops`: one for each unit that has any, by its index. `nameless`:
    what stands for the name of a unit that has none.
    """
    shown = answer["predictions"][:MAX_SHOWN]
    upright = _open(photograph)
    width, height = GAP_PX * 3 + PHOTOGRAPH_PX + LIST_PX, GAP_PX + len(shown) * (PHOTOGRAPH_PX + GAP_PX)
    page = Picture.new("RGB", (width, height), PAPER)
    pen = Pen(page)
    for place, prediction in enumerate(shown):
        top = GAP_PX + place * (PHOTOGRAPH_PX + GAP_PX)
        seen = _lay_over(upright, prediction, answer)
        page.paste(seen, (GAP_PX, top))
        _list_units(page, pen, prediction, crops, at=(GAP_PX * 2 + PHOTOGRAPH_PX, top), nameless=nameless)
    return _finish(page, pen)


def draw_reading(reading: Mapping[str, Any], *, photograph: bytes) -> bytes:
    """A PNG of what a read-out says: `map` over the `photograph` where it was `seen`, `title`, named `units`, and what
    each of the `words` adds, below.
    """
    words = reading["words"]
    width = GAP_PX * 3 + PHOTOGRAPH_PX + LIST_PX
    page = Picture.new("RGB", (width, GAP_PX * 2 + PHOTOGRAPH_PX + LINE_PX * (1 + (len(words) + 5) // 6)), PAPER)
    page.paste(_lay_over(_open(photograph), reading, reading), (GAP_PX, GAP_PX))
    pen = Pen(page)
    _list_units(page, pen, reading, {}, at=(GAP_PX * 2 + PHOTOGRAPH_PX, GAP_PX))
    for place, word in enumerate(words):
        row, column = divmod(place, 6)
        at = (GAP_PX + column * (width // 6), GAP_PX + PHOTOGRAPH_PX + LINE_PX // 2 + LINE_PX * row)
        pen.write(f"{word['score']:+.2f}  {word['word']}", at=at, px=TEXT_PX, ink=INK, width=width // 6 - GAP_PX)
    return _finish(page, pen)


def _finish(page: Picture.Image, pen: Pen) -> bytes:
    pen.tell_lacking(at=(GAP_PX, page.height - NOTE_PX - 8), ink=QUIET)
    encoded = io.BytesIO()
    page.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


def _open(photograph: bytes) -> Picture.Image:
    """Upright, small enough to draw with."""
    with Picture.open(io.BytesIO(photograph)) as opened:
        opened.draft("RGB", (2 * PHOTOGRAPH_PX, 2 * PHOTOGRAPH_PX))
        return ImageOps.exif_transpose(opened).convert("RGB")


def _lay_over(upright: Picture.Image, prediction: Mapping[str, Any], answer: Mapping[str, Any]) -> Picture.Image:
    """The photograph with the class map over what the network saw, and the box, in a square of PHOTOGRAPH_PX."""
    width, height = upright.size
    scale = PHOTOGRAPH_PX / max(width, height)
    small = upright.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    # The photograph may have been decoded at a fraction of its size; places are told in pixels of its own.
    own = small.width / answer["photograph"]["width"]
    x0, y0, x1, y1 = (round(value * own) for value in answer["seen"])
    values = np.array(prediction["map"], dtype=np.float32)
    grown = np.asarray(
        Picture.fromarray(values).resize((max(1, x1 - x0), max(1, y1 - y0)), Picture.Resampling.BILINEAR)
    )
    share = grown / max(float(np.abs(grown).max()), 1e-12)
    small = ImageEnhance.Color(small).enhance(FADED)
    color = np.where(share[..., None] > 0, np.array(FOR), np.array(AGAINST)).astype(np.uint8)
    strength = Picture.fromarray((np.abs(share) * STRENGTH * 255).astype(np.uint8))
    small.paste(Picture.fromarray(color), (x0, y0), strength)
    if "box" in prediction:
        ImageDraw.Draw(small).rectangle([round(value * own) for value in prediction["box"]], outline=PAPER, width=4)
    page = Picture.new("RGB", (PHOTOGRAPH_PX, PHOTOGRAPH_PX), (238, 240, 243))
    page.paste(small, ((PHOTOGRAPH_PX - small.width) // 2, (PHOTOGRAPH_PX - small.height) // 2))
    return page


def _list_units(
    page: Picture.Image,
    pen: Pen,
    prediction: Mapping[str, Any],
    crops: Crops,
    *,
    at: tuple[int, int],
    nameless: str = NOT_ASKED,
) -> None:
    draw, (left, top) = ImageDraw.Draw(page), at
    words, beside = left + CROP_PX + 340, LIST_PX - CROP_PX - 340
    title = prediction.get("title") or tell_class(prediction)
    pen.write(title, at=(left, top), px=TITLE_PX, ink=INK, width=LIST_PX)
    units = _choose_units(prediction)
    largest = max((abs(unit["contribution"]) for unit in units), default=1.0) or 1.0
    for place, unit in enumerate(sorted(units, key=lambda unit: -unit["contribution"])):
        row = top + 56 + place * (CROP_PX + 2)
        if unit["index"] in crops:
            page.paste(crops[unit["index"]].resize((CROP_PX, CROP_PX)), (left, row))
        share = unit["contribution"]
        length = max(1, round(300 * abs(share) / largest))
        color = FOR if share > 0 else AGAINST
        draw.rectangle((left + CROP_PX + 16, row + 24, left + CROP_PX + 16 + length, row + 60), fill=color)
        named, told = f"{share:+.2f}  {name_unit(unit, nameless)}", f"unit {unit['index']}  {tell_labels(unit)}"
        pen.write(named, at=(words, row + 4), px=TEXT_PX, ink=INK, width=beside)
        pen.write(told, at=(words, row + 44), px=TEXT_PX, ink=QUIET, width=beside)


def tell_class(prediction: Mapping[str, Any]) -> str:
    """The class and its probability, or its score if that is no probability."""
    probability = prediction["probability"]
    said = f"score {prediction['logit']:.2f}" if probability is None else f"{probability:.3f}"
    return f"{prediction['label']}  {said}"


def _choose_units(prediction: Mapping[str, Any]) -> list[dict[str, Any]]:
    return sorted(prediction["units"], key=lambda unit: -abs(unit["contribution"]))[:MAX_UNITS]


def list_shown_units(answer: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """For each prediction that the picture shows, the units that it lists: those of largest share, either sign."""
    return [_choose_units(prediction) for prediction in answer["predictions"][:MAX_SHOWN]]


def name_unit(unit: Mapping[str, Any], nameless: str = NOT_ASKED) -> str:
    """What people call a unit, else what labeled pixels call it, else `nameless`."""
    return str(unit["concept"] or unit["broden_label"] or nameless)


def tell_labels(unit: Mapping[str, Any]) -> str:
    """Who says so, and how well it fits."""
    told = []
    if unit["concept"]:
        told.append(f"{unit['said_by']}, precision {unit['precision']:.2f}")
    if unit["broden_label"]:
        told.append(f"labeled pixels: {unit['broden_label']}, IoU {unit['iou']:.3f}")
    return "; ".join(told)
