"""From a class map to boxes, in the published ways. Docs: docs/evidence.md, Boxes.

A map is (height, width) float over the pixels of a photograph. A box is x0, y0, x1, y1 in pixels: first column and row,
and one past the last, so that the whole of a W x H photograph is 0, 0, W, H.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.engine.evidence.names import AUTHORS, PAPER, TORCH_DEMO
from workers.engine.evidence.runs import list_runs, pick_largest

Box = tuple[int, int, int, int]
Map = NDArray[np.floating]

# [ZKLOT16] 3.2: the part of the map over this share of its maximum.
SHARE = 0.2
# The authors' box generator: thresholds on a gray map of 0 to 255, the share of the largest distance that is kept, the
# distance that boxes keep from the right and the lower border, and the overlap with a larger box from which a smaller
# one is dropped.
GRAY_THRESHOLDS = (20, 100, 110)
KEPT_DISTANCE = 10 / 255
BORDER_PX = 5
MAX_OVERLAP = 0.5
# Pixels that touch at a corner belong together.
EIGHT_NEIGHBORS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Boxed:
    """`boxes`, the best first. `note` says why a map gave the whole photograph; "" if it gave boxes of its own."""

    boxes: tuple[Box, ...]
    note: str = ""


def box_paper(values: Map) -> Boxed:
    """[ZKLOT16] 3.2: the box around the largest connected part over 20 % of the map's maximum."""
    return _box_largest(values, SHARE)


def box_demo(values: Map) -> Boxed:
    """As `paper`, of the map scaled so that its least value is 0 and its largest 1 (the authors' PyTorch example)."""
    return _box_largest(values - values.min(), SHARE)


def box_authors(values: Map) -> Boxed:
    """The authors' box generator on the map as they draw it: its maximum is 255, and what is negative 0. Loose and
    tight boxes, the largest first.
    """
    if note := _say_if_empty(values):
        return whole(values, note)
    return box_gray(np.round(np.maximum(values, 0) * (255 / float(values.max()))))


METHODS: dict[str, Callable[[Map], Boxed]] = {PAPER: box_paper, TORCH_DEMO: box_demo, AUTHORS: box_authors}
# How a method has the map resized: the authors' heat maps were drawn by MATLAB, whose default is bicubic.
INTERPOLATIONS = {PAPER: "bilinear", TORCH_DEMO: "bilinear", AUTHORS: "bicubic"}


def whole(values: Map, note: str) -> Boxed:
    """The whole photograph, and why."""
    height, width = values.shape
    return Boxed(((0, 0, width, height),), note)


def box_gray(gray: Map) -> Boxed:
    """Boxes of the authors' generator for a gray map of 0 to 255.

    At each threshold the pixels over it are thinned by their distance to the others; each connected part, and each hole
    in it, has a box. In their loop over the boxes, largest first, the entry after a dropped one is not looked at.
    """
    found: list[Box] = []
    for threshold in GRAY_THRESHOLDS:
        over = gray > threshold
        if over.any():
            kept = over if over.all() else _thin(over)
            found += _list_boxes(kept, EIGHT_NEIGHBORS) + _list_holes(kept)
    if not found:
        return whole(gray, "No part of the class map stands out.")
    clipped = [_clip(box, gray.shape) for box in found]
    return Boxed(tuple(_drop_overlapping(sorted(clipped, key=_area, reverse=True))))


def _box_largest(values: Map, share: float) -> Boxed:
    if note := _say_if_empty(values):
        return whole(values, note)
    return Boxed((pick_largest(list_runs(values, share * float(values.max()))).enclose(),))


def _say_if_empty(values: Map) -> str:
    """Why a map gives no box; "" if it gives one."""
    largest = float(values.max())
    if not largest > 0:
        return "The class map is positive nowhere: nothing speaks for the class."
    return "The class map has the same value everywhere." if float(values.min()) == largest else ""


def _thin(over: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the set flags that are nearest to the others."""
    kept, part = np.zeros_like(over), _frame(over)
    # The nearest pixel that is not over it lies within the frame or on it: the distances are the same, and sooner
    # there.
    distance = ndimage.distance_transform_edt(over[part])
    kept[part] = distance > KEPT_DISTANCE * distance.max()
    return kept


def _frame(flags: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the box around the set flags, with one more on each side that has one."""
    x0, y0, x1, y1 = _enclose(flags)
    return slice(max(y0 - 1, 0), y1 + 1), slice(max(x0 - 1, 0), x1 + 1)


def _enclose(flags: NDArray[np.bool_]) -> Box:
    """The box around the set flags."""
    rows, columns = np.flatnonzero(flags.any(axis=1)), np.flatnonzero(flags.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _list_boxes(flags: NDArray[np.bool_], structure: NDArray[np.bool_] | None) -> list[Box]:
    parts, _ = ndimage.label(flags, structure)
    return [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in ndimage.find_objects(parts)]


def _list_holes(kept: NDArray[np.bool_]) -> list[Box]:
    """Boxes of the pixels around each hole: a hole's outline runs over the part that surrounds it. A hole is a
    connected part of the other pixels that does not touch the border.
    """
    height, width = kept.shape
    found = _list_boxes(~kept, None)
    inner = [box for box in found if box[0] > 0 and box[1] > 0 and box[2] < width and box[3] < height]
    return [(x0 - 1, y0 - 1, x1 + 1, y1 + 1) for x0, y0, x1, y1 in inner]


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _clip(box: Box, shape: tuple[int, ...]) -> Box:
    """As their code does, at the right and at the bottom alone. A box that lies wholly in that border stays."""
    height, width = shape
    x0, y0, x1, y1 = box[0], box[1], min(box[2], width - BORDER_PX), min(box[3], height - BORDER_PX)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else box


def _drop_overlapping(boxes: list[Box]) -> list[Box]:
    kept = list(boxes)
    for place in range(len(boxes)):
        other = place + 1
        while other < len(kept):
            if _overlap(kept[place], kept[other]) > MAX_OVERLAP * _area(kept[place]):
                del kept[other]
            other += 1
    return kept


def _overlap(one: Box, other: Box) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)
