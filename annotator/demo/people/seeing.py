"""What a recognized tile shows: the labels under its bright segment."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.demo.people.library import Library
from annotator.demo.people.recognition import Sighting, recognize
from annotator.demo.pictures.canvas import LABEL_PX, PICTURE_PX

# A label is shown if it fills this share of the segment, or if most of it lies there and is not tiny.
_FILLS = 0.25
_HELD_WHOLE, _NO_SPECK = 0.6, 0.12
# JPEG mixes a tile's outermost pixels with its neighbor's, which differ from sheet to sheet.
_RIM_PX = 8

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TileSight:
    """A tile by its content, and the numbers of the labels that it shows; None if it was not recognized."""

    key: str
    shows: frozenset[int] | None


class Viewer:
    """Recognizes tiles, each different tile only once; several threads may call it at once."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.base_rates = measure_base_rates(library)
        _ = library.places  # computed now, before several threads use it
        self._seen: dict[str, TileSight] = {}

    def look(self, tiles: npt.NDArray[np.uint8]) -> list[TileSight]:
        """What each of (n, px, px, 3) tiles shows."""
        keys = [key_tile(tile) for tile in tiles]
        fresh = {key: tile for key, tile in zip(keys, tiles, strict=True) if key not in self._seen}
        if fresh:
            sightings = recognize(np.stack(list(fresh.values())), self.library)
            for key, sighting in zip(fresh, sightings, strict=True):
                shows = find_labels(self.library, sighting) if sighting else None
                self._seen[key] = TileSight(key, shows)
        return [self._seen[key] for key in keys]


def key_tile(tile: npt.NDArray[np.uint8]) -> str:
    """A name for a tile's content, the same on every sheet."""
    inner = np.ascontiguousarray(tile[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX])
    return hashlib.sha256(inner.tobytes()).hexdigest()


def find_labels(library: Library, sighting: Sighting) -> frozenset[int]:
    """Labels under the bright part of a recognized tile."""
    n = len(sighting.bright)
    centers = (np.arange(LABEL_PX) + 0.5) * PICTURE_PX / LABEL_PX
    rows = np.floor((centers - sighting.top) / sighting.side * n).astype(int)
    columns = np.floor((centers - sighting.left) / sighting.side * n).astype(int)
    inside = ((rows >= 0) & (rows < n))[:, None] & ((columns >= 0) & (columns < n))[None, :]
    bright = sighting.bright[np.clip(rows, 0, n - 1)][:, np.clip(columns, 0, n - 1)]
    return _labels_under(library, sighting.image, inside & bright)


def _labels_under(library: Library, image: int, segment: Mask) -> frozenset[int]:
    n_segment = max(int(segment.sum()), 1)
    shown: set[int] = set()
    for labels in library.read_labels(image):
        whole = np.bincount(labels.ravel())
        within = np.bincount(labels[segment], minlength=len(whole))
        fills = within >= _FILLS * n_segment
        held = (within >= _HELD_WHOLE * whole) & (within >= _NO_SPECK * n_segment) & (whole > 0)
        shown.update(int(number) for number in np.flatnonzero(fills | held) if number)
    return frozenset(shown)


def measure_base_rates(library: Library) -> dict[int, float]:
    """How often each label shows under a disk at a random place: a label common everywhere says little about a unit."""
    ys, xs = np.mgrid[0:LABEL_PX, 0:LABEL_PX]
    counts: dict[int, int] = {}
    for image in range(len(library.rows)):
        x, y, radius = np.random.default_rng(image).uniform((0, 0, 15), (LABEL_PX, LABEL_PX, 40))
        disk = (xs - x) ** 2 + (ys - y) ** 2 < radius**2
        for number in _labels_under(library, image, disk):
            counts[number] = counts.get(number, 0) + 1
    return {number: count / len(library.rows) for number, count in counts.items()}
