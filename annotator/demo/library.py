"""The rendered set as a simulated person knows it: its pictures, small and smaller, and what lies where in them.

It is read from the set's folder alone. Coordinates are pixels of the 224 px pictures.
"""

import csv
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotator.demo.canvas import LABEL_PX, PICTURE_PX, Labels, Pixels

# Sides at which a crop is looked for; refinement finds the sides between.
SIDES = (56, 66, 78, 92, 109, 128, 151, 178, 205, 224)
THUMB = 5


class LibraryUnreadable(Exception):
    """The folder is no rendered set."""


@dataclass(frozen=True)
class Places:
    """Squares of the set as thumbnails: which picture, left, top and side of each, and its (THUMB, THUMB, 3) means."""

    image: npt.NDArray[np.int32]
    box: npt.NDArray[np.int32]
    thumbs: Pixels


class Library:
    """The pictures of a rendered set and their label maps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            with (folder / "index.csv").open(newline="") as file:
                self.rows = list(csv.DictReader(file))
            with (folder / "label.csv").open(newline="") as file:
                labels = list(csv.DictReader(file))
            self.label_of = {int(r["number"]): (r["category"].split("(")[0], r["name"]) for r in labels}
            # Means over 2 x 2 pixels: (N, 112, 112, 3). A tile shows no more of a large crop.
            self.half = np.stack([_halve(folder / "images" / row["image"]) for row in self.rows])
        except (OSError, KeyError, ValueError) as error:
            raise LibraryUnreadable(f"{folder} is not a rendered image set: {error}.") from error

    @cached_property
    def places(self) -> Places:
        """Every square on a grid of a fifth of its side, at each of SIDES."""
        sums = np.zeros((len(self.half), LABEL_PX + 1, LABEL_PX + 1, 3), np.float32)
        np.cumsum(np.cumsum(self.half, axis=1, dtype=np.float32), axis=2, out=sums[:, 1:, 1:])
        images, boxes, thumbs = [], [], []
        for side in SIDES:
            starts = np.unique(
                np.append(np.arange(0, PICTURE_PX - side, side / THUMB), PICTURE_PX - side).astype(int) // 2
            )
            edges = np.round(np.linspace(0, side / 2, THUMB + 1)).astype(int)
            area = (np.diff(edges)[:, None] * np.diff(edges)[None, :])[..., None]
            for top in starts:
                for left in starts:
                    corner = sums[:, top + edges][:, :, left + edges]
                    total = corner[:, 1:, 1:] - corner[:, :-1, 1:] - corner[:, 1:, :-1] + corner[:, :-1, :-1]
                    thumbs.append((total / area).reshape(len(sums), -1))
                    images.append(np.arange(len(sums), dtype=np.int32))
                    boxes.append(np.tile(np.int32([2 * left, 2 * top, side]), (len(sums), 1)))
        return Places(np.concatenate(images), np.concatenate(boxes), np.concatenate(thumbs))

    def read_labels(self, image: int) -> tuple[Labels, ...]:
        """Every label map of a picture, (112, 112) each."""
        return _read_labels(self.folder, tuple(v for k, v in self.rows[image].items() if k in _CATEGORIES and v))


_CATEGORIES = frozenset({"color", "object", "part", "material", "scene", "texture"})


@lru_cache(maxsize=2048)
def _read_labels(folder: Path, cells: tuple[str, ...]) -> tuple[Labels, ...]:
    maps: list[Labels] = []
    for entry in (entry for cell in cells for entry in cell.split(";")):
        if entry.isdigit():
            maps.append(np.full((LABEL_PX, LABEL_PX), int(entry), np.uint16))
            continue
        with Image.open(folder / "images" / entry) as file:
            coded = np.asarray(file).astype(np.uint16)
        maps.append(coded[..., 0] + 256 * coded[..., 1])
    return tuple(maps)


def _halve(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB").resize((LABEL_PX, LABEL_PX), Image.Resampling.BOX))
