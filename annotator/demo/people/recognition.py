"""Recognizing tiles: which rendered picture a tile was cut from, where, and which part of it is shown bright.

A tile is a square crop, resized, dimmed to 0.2 outside a segment and twice JPEG-coded. Only its pixels and the
rendered set are used. First every square of the set is compared as a thumbnail, then the likeliest are refined.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from annotator.demo.people.library import THUMB, Library
from annotator.demo.pictures.canvas import PICTURE_PX, Pixels

DIMMED_TO = 0.2
# A dimmed pixel is at most 51; JPEG adds a little.
_SURELY_BRIGHT = 64.0
# How far dark gaps inside a bright region are closed, tile pixels.
_CLOSING = 15
_GRID = 32
_N_LIKELY = 10
# Rounds of refinement: step as a share of the side, pictures kept, cells compared along a side.
_ROUNDS = ((0.1, 4, 8), (0.06, 3, 8), (0.03, 2, 16), (0.015, 1, 16), (0.008, 1, 16))
_MOVES = np.array([(dx, dy, ds) for ds in (-1, 0, 1) for dx in (-1, 0, 1) for dy in (-1, 0, 1)])
Integers = npt.NDArray[np.int64]
# Mean residual (0 to 255 per channel) up to which a tile counts as recognized.
_MAX_RESIDUAL = 16.0


@dataclass(frozen=True)
class Sighting:
    """Where a tile comes from: picture, box (pixels of the picture), bright cells of the tile, mean residual."""

    image: int
    left: int
    top: int
    side: int
    bright: npt.NDArray[np.bool_]
    residual: float


def recognize(tiles: npt.NDArray[np.uint8], library: Library) -> list[Sighting | None]:
    """Finds each (px, px, 3) tile in the library; None if nothing fits."""
    return [
        _refine(tile.astype(np.float32), image, box, library)
        for tile, (image, box) in zip(tiles, _shortlist(tiles, library), strict=True)
    ]


def _shrink(tile: Pixels, n: int) -> Pixels:
    """A tile as (n, n, 3) block means; n divides its side."""
    block = len(tile) // n
    return np.asarray(tile.reshape(n, block, n, block, 3).mean(axis=(1, 3)), dtype=np.float32)


def _undim(tile: Pixels) -> tuple[Pixels, Pixels]:
    """An estimate of the tile before dimming, and a weight of how reliable each pixel is."""
    sure = (tile.max(axis=-1) > _SURELY_BRIGHT).astype(np.float32)
    solid = (uniform_filter(sure, 3) > 0.6).astype(np.uint8)
    bright = minimum_filter(maximum_filter(solid, _CLOSING), _CLOSING).astype(bool)
    edge = maximum_filter(bright, 5) != minimum_filter(bright, 5)
    whole = np.where(bright[..., None], tile, np.minimum(tile / DIMMED_TO, 255))
    return whole, np.where(edge, 0.02, np.where(bright, 1.0, 0.2)).astype(np.float32)


def _shortlist(tiles: npt.NDArray[np.uint8], library: Library) -> list[tuple[Integers, Integers]]:
    """For each tile the pictures (n,) whose thumbnails differ least, weighted, and the best box in each (n, 3)."""
    places, n_images = library.places, len(library.rows)
    terms = np.stack([_thumbnail(tile.astype(np.float32)) for tile in tiles], axis=1)
    least = np.full((n_images, len(tiles)), np.inf, np.float32)
    place_of = np.zeros((n_images, len(tiles)), np.int64)
    for place, thumbs in enumerate(places.thumbs):
        distance = thumbs @ terms
        closer = distance < least
        np.copyto(least, distance, where=closer)
        place_of[closer] = place
    found = []
    for tile, column in enumerate(least.T):
        images = np.argsort(column, kind="stable")[:_N_LIKELY]
        found.append((images, places.boxes[place_of[images, tile]]))
    return found


def _thumbnail(tile: Pixels) -> Pixels:
    """Factors (100,) whose product with a place's numbers is the weighted squared difference, up to a constant."""
    whole, trust = _undim(tile)
    cells = np.minimum(np.arange(len(tile)) * THUMB // len(tile), THUMB - 1)
    spread = (cells[:, None] == np.arange(THUMB)).astype(np.float32)
    weight = spread.T @ trust @ spread
    means = np.stack([spread.T @ (trust * whole[..., c]) @ spread for c in range(3)], axis=-1) / weight[..., None]
    share = weight / weight.sum()
    return np.concatenate([share.reshape(-1), (-2 * share[..., None] * means).reshape(-1)]).astype(np.float32)


def _refine(tile: Pixels, image: Integers, box: Integers, library: Library) -> Sighting | None:
    """Moves and resizes the likely boxes, coarse to fine, and keeps the best; None if the best fits badly."""
    for step, n_kept, n_cells in _ROUNDS:
        tried = _moved(box, _MOVES, step)
        images = np.repeat(image, len(_MOVES))
        residual = _residual(_shrink(tile, n_cells), library.cut(images, tried, n_cells))
        order = _best_of_each(images, residual)[:n_kept]
        image, box = images[order], tried[order]
    miss = float(residual[order[0]])
    if miss > _MAX_RESIDUAL:
        return None
    left, top, side = (int(v) for v in box[0])
    fit = library.cut(image[:1], box[:1], _GRID)[0]
    return Sighting(int(image[0]), left, top, side, _find_bright(_shrink(tile, _GRID), fit), miss)


def _moved(box: Integers, moves: Integers, step: float) -> Integers:
    """Each box moved and resized in each way by a share of its side, kept inside the picture: (n * moves, 3)."""
    center = box[:, None, :2] + box[:, None, 2:] / 2 + moves[None, :, :2] * step * box[:, None, 2:]
    side = np.clip(np.round(box[:, None, 2] * (1 + 2 * step * moves[None, :, 2])), 40, PICTURE_PX)
    corner = np.clip(np.round(center - side[..., None] / 2), 0, PICTURE_PX - side[..., None])
    return np.concatenate([corner, side[..., None]], axis=-1).reshape(-1, 3).astype(np.int64)


def _residual(tile: Pixels, fits: Pixels) -> Pixels:
    """Mean absolute difference per channel, each pixel taken as bright or as dimmed, whichever fits; (n,)."""
    as_bright = np.abs(fits - tile).mean(axis=-1)
    as_dimmed = np.abs(fits * np.float32(DIMMED_TO) - tile).mean(axis=-1) * 3
    return np.asarray(np.minimum(as_bright, as_dimmed).mean(axis=(1, 2)))


def _best_of_each(images: Integers, residual: Pixels) -> Integers:
    """Indices of the best box of each picture, best picture first; ties to the earlier."""
    order = np.lexsort((np.arange(len(residual)), residual))
    _, first = np.unique(images[order], return_index=True)
    return np.asarray(order[np.sort(first)])


def _find_bright(tile: Pixels, fit: Pixels) -> npt.NDArray[np.bool_]:
    """Which cells of the tile are shown bright, by comparing with the picture in a small neighborhood."""
    gain = uniform_filter((tile * fit).sum(axis=-1), 3) / np.maximum(uniform_filter((fit * fit).sum(axis=-1), 3), 1)
    return np.asarray(gain > (1 + DIMMED_TO) / 2)
