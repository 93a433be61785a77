"""Recognizing tiles: which rendered picture a tile was cut from, where, and which part of it is shown bright.

A tile is a square crop, resized, dimmed to 0.2 outside a segment and twice JPEG-coded. Nothing but its pixels and the
rendered set is used. First every square of the set is compared as a thumbnail, then the likeliest are refined.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from annotator.demo.canvas import LABEL_PX, PICTURE_PX, Pixels
from annotator.demo.library import THUMB, Library

DIMMED_TO = 0.2
# A dimmed pixel is at most 51; JPEG adds a little.
_SURELY_BRIGHT = 64.0
# How far dark gaps inside a bright region are closed, tile pixels.
_CLOSING = 15
_GRID = 32
_N_LIKELY = 40
# Mean residual (0 to 255 a channel) up to which a tile counts as recognized.
_MAX_RESIDUAL = 9.0


@dataclass(frozen=True)
class Sighting:
    """Where a tile comes from: picture, box (pixels of the picture), bright cells of the tile, mean residual."""

    image: int
    left: int
    top: int
    side: int
    bright: npt.NDArray[np.bool_]
    residual: float


@dataclass(frozen=True)
class _Likely:
    """Candidate boxes of one tile: (n,) pictures and (n, 3) left, top, side."""

    image: npt.NDArray[np.int32]
    box: npt.NDArray[np.int32]


def recognize(tiles: npt.NDArray[np.uint8], library: Library) -> list[Sighting | None]:
    """Find each (px, px, 3) tile in the library; None where nothing fits."""
    return [
        _refine(_shrink(tile.astype(np.float32)), likely, library)
        for tile, likely in zip(tiles, _shortlist(tiles, library), strict=True)
    ]


def _shrink(tile: Pixels) -> Pixels:
    """A tile as (_GRID, _GRID, 3) block means."""
    block = len(tile) // _GRID
    return np.asarray(tile.reshape(_GRID, block, _GRID, block, 3).mean(axis=(1, 3)), dtype=np.float32)


def _undim(tile: Pixels) -> tuple[Pixels, Pixels]:
    """The tile as it was before dimming, as far as it can be guessed, and how far each pixel is to be trusted."""
    sure = (tile.max(axis=-1) > _SURELY_BRIGHT).astype(np.float32)
    solid = (uniform_filter(sure, 3) > 0.6).astype(np.uint8)
    bright = minimum_filter(maximum_filter(solid, _CLOSING), _CLOSING).astype(bool)
    edge = maximum_filter(bright, 5) != minimum_filter(bright, 5)
    whole = np.where(bright[..., None], tile, np.minimum(tile / DIMMED_TO, 255))
    return whole, np.where(edge, 0.02, np.where(bright, 1.0, 0.2)).astype(np.float32)


def _shortlist(tiles: npt.NDArray[np.uint8], library: Library) -> list[_Likely]:
    """The likeliest pictures of each tile by weighted difference of thumbnails, with the best box in each."""
    places = library.places
    wanted, weights = zip(*(_thumbnail(tile.astype(np.float32)) for tile in tiles), strict=True)
    weight = np.stack(weights)
    target = np.stack(wanted)
    per_channel = np.repeat(weight, 3, axis=1)
    found = []
    squares = places.thumbs**2
    squared = squares.reshape(len(squares), -1, 3).sum(axis=2) @ weight.T
    distance = squared - 2 * (places.thumbs @ (per_channel * target).T)
    for column in distance.T:
        near = np.argpartition(column, _N_LIKELY * 12)[: _N_LIKELY * 12]
        near = near[np.lexsort((near, column[near]))]
        _, first = np.unique(places.image[near], return_index=True)
        best = near[np.sort(first)][:_N_LIKELY]
        found.append(_Likely(places.image[best], places.box[best]))
    return found


def _thumbnail(tile: Pixels) -> tuple[Pixels, Pixels]:
    """Trusted means of THUMB x THUMB cells, flat (75,), and the cells' weights (25,), summing to one."""
    whole, trust = _undim(tile)
    cells = np.minimum(np.arange(len(tile)) * THUMB // len(tile), THUMB - 1)
    spread = (cells[:, None] == np.arange(THUMB)).astype(np.float32)
    weight = spread.T @ trust @ spread
    means = np.stack([spread.T @ (trust * whole[..., c]) @ spread for c in range(3)], axis=-1) / weight[..., None]
    return means.reshape(-1), (weight / weight.sum()).reshape(-1)


def _refine(tile: Pixels, likely: _Likely, library: Library) -> Sighting | None:
    """Move and resize the likely boxes, coarse to fine, keeping the best; None when the best fits badly."""
    image, box = likely.image, likely.box
    for step, n_kept, n_points in ((0.08, 10, 12), (0.04, 5, 16), (0.02, 3, _GRID), (0.01, 1, _GRID)):
        small = tile if n_points == _GRID else _resample(tile, n_points)
        moves = np.array([(dx, dy, ds) for ds in (-1, 0, 1) for dx in (-1, 0, 1) for dy in (-1, 0, 1)])
        tried = _moved(box, moves, step)
        images = np.repeat(image, len(moves))
        residual = _residual(small, _sample(library, images, tried, n_points))
        order = _best_of_each(images, residual)[:n_kept]
        image, box = images[order], tried[order]
    fit = _sample(library, image[:1], box[:1], _GRID)[0]
    miss = float(_residual(tile, fit[None])[0])
    if miss > _MAX_RESIDUAL:
        return None
    left, top, side = (int(v) for v in box[0])
    return Sighting(int(image[0]), left, top, side, _find_bright(tile, fit), miss)


def _moved(box: npt.NDArray[np.int32], moves: npt.NDArray[np.int64], step: float) -> npt.NDArray[np.int32]:
    """Each box moved and resized in each way by a share of its side, kept inside the picture: (n * moves, 3)."""
    center = box[:, None, :2] + box[:, None, 2:] / 2 + moves[None, :, :2] * step * box[:, None, 2:]
    side = np.clip(np.round(box[:, None, 2] * (1 + 2 * step * moves[None, :, 2])), 40, PICTURE_PX)
    corner = np.clip(np.round(center - side[..., None] / 2), 0, PICTURE_PX - side[..., None])
    return np.concatenate([corner, side[..., None]], axis=-1).reshape(-1, 3).astype(np.int32)


def _sample(library: Library, image: npt.NDArray[np.int32], box: npt.NDArray[np.int32], n: int) -> Pixels:
    """(boxes, n, n, 3) samples of the half-size pictures, spread evenly over each box."""
    steps = (np.arange(n) + 0.5) / n
    at = np.clip(((box[:, None, :2] + steps[None, :, None] * box[:, None, 2:]) / 2).astype(int), 0, LABEL_PX - 1)
    return library.half[image[:, None, None], at[:, :, None, 1], at[:, None, :, 0]].astype(np.float32)


def _resample(tile: Pixels, n: int) -> Pixels:
    at = ((np.arange(n) + 0.5) / n * len(tile)).astype(int)
    return tile[at][:, at]


def _residual(tile: Pixels, fits: Pixels) -> Pixels:
    """Mean absolute difference a channel, each pixel taken as bright or as dimmed, whichever fits; (n,)."""
    as_bright = np.abs(fits - tile).mean(axis=-1)
    as_dimmed = np.abs(fits * np.float32(DIMMED_TO) - tile).mean(axis=-1) * 3
    return np.asarray(np.minimum(as_bright, as_dimmed).mean(axis=(1, 2)))


def _best_of_each(images: npt.NDArray[np.int32], residual: Pixels) -> npt.NDArray[np.int64]:
    """Indices of the best box of each picture, best picture first; ties to the earlier."""
    order = np.lexsort((np.arange(len(residual)), residual))
    _, first = np.unique(images[order], return_index=True)
    return np.asarray(order[np.sort(first)])


def _find_bright(tile: Pixels, fit: Pixels) -> npt.NDArray[np.bool_]:
    """Which cells of the tile are shown bright, by comparing with the picture in a small neighborhood."""
    gain = uniform_filter((tile * fit).sum(axis=-1), 3) / np.maximum(uniform_filter((fit * fit).sum(axis=-1), 3), 1)
    return np.asarray(gain > (1 + DIMMED_TO) / 2)
