"""An image set as a simulated person knows it: its images at two small sizes, and what they show.

It is read from the set's folder alone. Its labels say what the images show, in any layout that is found by look. In a
plain folder of photographs, that is the name of the folder that an image lies in, and the color of each pixel.
Coordinates are pixels of the 224 px pictures.
"""

import csv
import itertools
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotator.demo.pictures.canvas import LABEL_PX, PICTURE_PX, Labels, Pixels
from annotator.demo.pictures.palette import name_colors
from annotator.demo.pictures.vocabulary import LABELS
from annotator.refusals import Refusal
from workers.engine.images.decoding import ImageUnreadable, decode_image
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.plurals import say_count

# Sides at which a crop is looked for; refinement finds the sides between.
SIDES = (56, 66, 78, 92, 109, 128, 151, 178, 205, 224)
THUMB = 5


# An image takes 0.4 MB of memory.
MAX_IMAGES = 6_000
COLORS = {label.number: (label.category, label.name) for label in LABELS if label.category == "color"}


class LibraryUnreadable(Refusal):
    """The folder is no image set, or too large a one."""


@dataclass(frozen=True)
class Places:
    """Squares of the set as thumbnails: (P, 3) boxes (left, top, side) that every picture is cut at, and (P, N, 100)
    numbers of each: first its THUMB x THUMB means squared and summed over colors, then the means themselves.
    """

    boxes: npt.NDArray[np.int64]
    thumbs: Pixels


class Library:
    """The pictures of an image set and what they show. `label_of`: category and name of each label number."""

    def __init__(self, folder: Path, *, resize: str = "center_crop") -> None:
        """`resize`: how the network's preprocessing makes photographs square; those with labels are warped."""
        self.folder = folder
        try:
            # Images in Broden's layout are in the order of their index.
            is_broden = all((folder / name).exists() for name in ("index.csv", "label.csv"))
            self._other = None if is_broden else open_image_set(folder)
            self.rows, self.label_of = _read_tables(folder) if self._other is None else _list_photographs(self._other)
            if not 0 < len(self.rows) <= MAX_IMAGES:
                raise ValueError(
                    f"it has {say_count(len(self.rows), 'image')}, and simulated people can know 1 to {MAX_IMAGES}"
                )
            # Means over 2 x 2 pixels: (N, 112, 112, 3). A tile shows no more of a large crop.
            images = folder / "images" if self._other is None else self._other.root
            self.half = np.stack([self._halve(images / row["image"], resize) for row in self.rows])
        except (OSError, KeyError, ValueError, ImageSetError) as error:
            raise LibraryUnreadable(f"{folder} cannot be used as an image set: {error}") from error

    def _halve(self, path: Path, resize: str) -> npt.NDArray[np.uint8]:
        """A photograph that cannot be decoded was quarantined: it is black here, and no tile shows it."""
        if self._other is None:
            return _halve(path)
        resize = "warp" if self._other.labels is not None else resize
        try:
            whole = decode_image(path, input_px=PICTURE_PX, resize=resize, interpolation="bilinear")
        except ImageUnreadable:
            return np.zeros((LABEL_PX, LABEL_PX, 3), np.uint8)
        return np.asarray(Image.fromarray(whole).resize((LABEL_PX, LABEL_PX), Image.Resampling.BOX))

    @cached_property
    def sums(self) -> Pixels:
        """Sums over each half-size picture from its upper left corner: (N, 113, 113, 3)."""
        sums = np.zeros((len(self.half), LABEL_PX + 1, LABEL_PX + 1, 3), np.float32)
        np.cumsum(np.cumsum(self.half, axis=1, dtype=np.float32), axis=2, out=sums[:, 1:, 1:])
        return sums

    @cached_property
    def places(self) -> Places:
        """Every square on a grid of a third of its side, at each of SIDES."""
        boxes = [(left, top, side) for side in SIDES for top in _starts(side) for left in _starts(side)]
        thumbs = np.empty((len(boxes), len(self.half), THUMB * THUMB * 4), np.float32)
        for place, (left, top, side) in enumerate(boxes):
            edges = np.round(np.linspace(0, side / 2, THUMB + 1)).astype(int)
            corner = self.sums[:, (top // 2 + edges)[:, None], (left // 2 + edges)[None, :]]
            total = np.diff(np.diff(corner, axis=1), axis=2)
            means = total / (np.diff(edges)[:, None] * np.diff(edges)[None, :])[..., None]
            thumbs[place, :, : THUMB**2] = (means**2).sum(axis=-1).reshape(len(means), -1)
            thumbs[place, :, THUMB**2 :] = means.reshape(len(means), -1)
        return Places(np.array(boxes), thumbs)

    def cut(self, image: npt.NDArray[np.int64], box: npt.NDArray[np.int64], n: int) -> Pixels:
        """Means over n x n cells of each box (left, top, side) of each picture: (boxes, n, n, 3)."""
        steps = np.arange(n + 1) / n
        edge = np.round((box[:, None, :2] + steps[None, :, None] * box[:, None, 2:]) / 2).astype(int)
        across, down = edge[:, :, 0], edge[:, :, 1]
        # A cell of no width takes the pixel after its edge.
        right = np.minimum(np.maximum(across[:, 1:], across[:, :-1] + 1), LABEL_PX)
        bottom = np.minimum(np.maximum(down[:, 1:], down[:, :-1] + 1), LABEL_PX)
        left, top = np.minimum(across[:, :-1], right - 1), np.minimum(down[:, :-1], bottom - 1)
        at, sums = image[:, None, None], self.sums
        total = sums[at, bottom[:, :, None], right[:, None, :]] - sums[at, top[:, :, None], right[:, None, :]]
        total += sums[at, top[:, :, None], left[:, None, :]] - sums[at, bottom[:, :, None], left[:, None, :]]
        area = (bottom - top)[:, :, None] * (right - left)[:, None, :]
        return np.asarray(total / area[..., None].astype(np.float32))

    def read_labels(self, image: int) -> tuple[Labels, ...]:
        """Every label map of a picture, (112, 112) each."""
        if self._other is None:
            return _read_labels(self.folder, tuple(v for k, v in self.rows[image].items() if k in _CATEGORIES and v))
        if self._other.labels is not None:
            return _draw_labels(self._other, image)
        named = np.full((LABEL_PX, LABEL_PX), int(self.rows[image]["folder"]), np.uint16)
        return (name_colors(self.half[image]), named)


def _read_tables(folder: Path) -> tuple[list[dict[str, str]], dict[int, tuple[str, str]]]:
    with (folder / "index.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with (folder / "label.csv").open(newline="", encoding="utf-8-sig") as file:
        labels = list(csv.DictReader(file))
    return rows, {int(row["number"]): (row["category"].split("(")[0].strip(), row["name"]) for row in labels}


def _list_photographs(images: ImageSet) -> tuple[list[dict[str, str]], dict[int, tuple[str, str]]]:
    """Each image, without labels with the number of its folder's name, after those of colors; 0: it lies in none."""
    if images.labels is not None:
        return [{"image": path} for path in images.paths], {
            label.number: (label.category, label.name) for label in images.labels.labels
        }
    paths = [PurePosixPath(path) for path in images.paths]
    names = sorted({path.parent.name for path in paths} - {""})
    number_of = {name: number for number, name in enumerate(names, start=max(COLORS) + 1)}
    rows = [{"image": str(path), "folder": str(number_of.get(path.parent.name, 0))} for path in paths]
    return rows, COLORS | {number: ("object", name) for name, number in number_of.items()}


_CATEGORIES = frozenset({"color", "object", "part", "material", "scene", "texture"})


@lru_cache(maxsize=2048)
def _read_labels(folder: Path, cells: tuple[str, ...]) -> tuple[Labels, ...]:
    maps: list[Labels] = []
    for entry in (entry for cell in cells for entry in cell.split(";")):
        if entry.isdigit():
            maps.append(np.full((LABEL_PX, LABEL_PX), int(entry), np.uint16))
            continue
        with Image.open(folder / "images" / entry) as file:
            square = file.convert("RGB").resize((LABEL_PX, LABEL_PX), Image.Resampling.NEAREST)
        coded = np.asarray(square).astype(np.uint16)
        maps.append(coded[..., 0] + 256 * coded[..., 1])
    return tuple(maps)


def _draw_labels(images: ImageSet, index: int) -> tuple[Labels, ...]:
    """Those of an image whose labels cannot be read are none: it was quarantined."""
    try:
        runs = images.read_labels(index)
    except LabelMapUnreadable:
        return ()
    rows, columns = (((np.arange(LABEL_PX) + 0.5) * side / LABEL_PX).astype(int) for side in (runs.height, runs.width))
    maps: list[Labels] = []
    for first, last in itertools.pairwise(runs.slot_start.tolist()):
        lengths = np.diff(runs.run_start[first:last], append=runs.height * runs.width)
        whole = np.repeat(runs.run_label[first:last], lengths).reshape(runs.height, runs.width)
        maps.append(whole[rows][:, columns])
    return tuple(maps)


def _starts(side: int) -> list[int]:
    """Where squares of a side begin: at every third of the side, and at the end."""
    steps = np.append(np.arange(0, PICTURE_PX - side, side / 3), PICTURE_PX - side)
    return sorted({int(step) // 2 * 2 for step in steps})


def _halve(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB").resize((LABEL_PX, LABEL_PX), Image.Resampling.BOX))
