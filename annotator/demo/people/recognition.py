"""Recognizing tiles: which rendered picture a tile was cut from, where, and which part of it is shown bright.

A tile is a square crop, resized, dimmed outside a segment and twice JPEG-coded. Only its pixels and the set are used:
to which share of its brightness it was dimmed is found with the picture. First every square of the set is compared as a
thumbnail, then the likeliest are refined.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from annotator.demo.people.library import THUMB, Library
from annotator.demo.pictures.canvas import PICTURE_PX, Pixels
from workers.engine.drawing.dimming import AUTO, DIMMED_TO, DIMMINGS, FIXED, GRAY, keep_share

# By way of dimming, shares that are tried in thumbnails, and the value over which a pixel is then taken as bright. To a
# fifth, a dimmed pixel is at most 51, and JPEG adds a little. By a crop's own brightness, most are below these.
_ROUGH_SHARES = {FIXED: ((0.2, 64.0),), AUTO: ((0.25, 72.0), (0.35, 80.0), (0.5, 90.0))}
# How far dark gaps inside a bright region are closed, tile pixels.
_CLOSING = 15
_GRID = 32
_N_LIKELY = 10
# Rounds of refinement: step as a share of the side, pictures kept, cells compared along a side.
_ROUNDS = ((0.1, 8, 8), (0.06, 5, 8), (0.03, 3, 16), (0.015, 1, 16), (0.008, 1, 16))
_MOVES = np.array([(dx, dy, ds) for ds in (-1, 0, 1) for dx in (-1, 0, 1) for dy in (-1, 0, 1)])
Integers = npt.NDArray[np.int64]
# What is dimmed to a share differs by less: its differences count this many times over that share.
_DIMMED_COUNTS = 0.6
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
    """Finds each (px, px, 3) tile in the library, dimmed in whichever way fits; None if nothing fits."""
    floats = tiles.astype(np.float32)
    likely = {dimming: _shortlist(floats, library, dimming) for dimming in DIMMINGS}
    found = [
        min((_refine(tile, *likely[way][at], library, way) for way in DIMMINGS), key=lambda one: one.residual)
        for at, tile in enumerate(floats)
    ]
    return [one if one.residual <= _MAX_RESIDUAL else None for one in found]


def _shrink(tile: Pixels, n: int) -> Pixels:
    """A tile as (n, n, 3) block means; n divides its side."""
    block = len(tile) // n
    return np.asarray(tile.reshape(n, block, n, block, 3).mean(axis=(1, 3)), dtype=np.float32)


def _undim(tile: Pixels, kept: float, bright_over: float) -> tuple[Pixels, Pixels]:
    """An estimate of the tile before it was dimmed to a share, and a weight of how reliable each pixel is."""
    sure = (tile.max(axis=-1) > bright_over).astype(np.float32)
    solid = (uniform_filter(sure, 3) > 0.6).astype(np.uint8)
    bright = minimum_filter(maximum_filter(solid, _CLOSING), _CLOSING).astype(bool)
    edge = maximum_filter(bright, 5) != minimum_filter(bright, 5)
    whole = np.where(bright[..., None], tile, np.minimum(tile / kept, 255))
    return whole, np.where(edge, 0.02, np.where(bright, 1.0, 0.2)).astype(np.float32)


def _shortlist(tiles: Pixels, library: Library, dimming: str) -> list[tuple[Integers, Integers]]:
    """For each tile the pictures (n,) whose thumbnails differ least, weighted, and the best box in each (n, 3): some
    for each of _ROUGH_SHARES, so that a picture may stand there several times.
    """
    places, n_images = library.places, len(library.rows)
    tried = [(tile, rough) for tile in tiles for rough in _ROUGH_SHARES[dimming]]
    terms = np.stack([_thumbnail(tile, *rough) for tile, rough in tried], axis=1)
    least = np.full((n_images, len(tried)), np.inf, np.float32)
    place_of = np.zeros((n_images, len(tried)), np.int64)
    for place, thumbs in enumerate(places.thumbs):
        distance = thumbs @ terms
        closer = distance < least
        np.copyto(least, distance, where=closer)
        place_of[closer] = place
    # Of each tile, one column for each share: (tiles * shares, n) pictures.
    images = np.argsort(least, axis=0, kind="stable")[:_N_LIKELY]
    boxes = places.boxes[np.take_along_axis(place_of, images, axis=0)]
    by_tile = images.T.reshape(len(tiles), -1), boxes.swapaxes(0, 1).reshape(len(tiles), -1, 3)
    return list(zip(*by_tile, strict=True))


def _thumbnail(tile: Pixels, kept: float, bright_over: float) -> Pixels:
    """Factors (100,) whose product with a place's numbers is the weighted squared difference, up to a constant."""
    whole, trust = _undim(tile, kept, bright_over)
    cells = np.minimum(np.arange(len(tile)) * THUMB // len(tile), THUMB - 1)
    spread = (cells[:, None] == np.arange(THUMB)).astype(np.float32)
    weight = spread.T @ trust @ spread
    means = np.stack([spread.T @ (trust * whole[..., c]) @ spread for c in range(3)], axis=-1) / weight[..., None]
    share = weight / weight.sum()
    return np.concatenate([share.reshape(-1), (-2 * share[..., None] * means).reshape(-1)]).astype(np.float32)


def _refine(tile: Pixels, image: Integers, box: Integers, library: Library, dimming: str) -> Sighting:
    """Moves and resizes the likely boxes, coarse to fine, and keeps the best."""
    for step, n_kept, n_cells in _ROUNDS:
        tried = _moved(box, _MOVES, step)
        images = np.repeat(image, len(_MOVES))
        residual, kept = _fit(_shrink(tile, n_cells), library.cut(images, tried, n_cells), dimming)
        order = _best_of_each(images, residual)[:n_kept]
        image, box = images[order], tried[order]
    miss = float(residual[order[0]])
    left, top, side = (int(v) for v in box[0])
    fit = library.cut(image[:1], box[:1], _GRID)[0]
    return Sighting(int(image[0]), left, top, side, _find_bright(_shrink(tile, _GRID), fit, kept[order[0]]), miss)


def _moved(box: Integers, moves: Integers, step: float) -> Integers:
    """Each box moved and resized in each way by a share of its side, kept inside the picture: (n * moves, 3)."""
    center = box[:, None, :2] + box[:, None, 2:] / 2 + moves[None, :, :2] * step * box[:, None, 2:]
    side = np.clip(np.round(box[:, None, 2] * (1 + 2 * step * moves[None, :, 2])), 40, PICTURE_PX)
    corner = np.clip(np.round(center - side[..., None] / 2), 0, PICTURE_PX - side[..., None])
    return np.concatenate([corner, side[..., None]], axis=-1).reshape(-1, 3).astype(np.int64)


def _fit(tile: Pixels, fits: Pixels, dimming: str) -> tuple[Pixels, Pixels]:
    """Of each fit (n,) the mean absolute difference per channel, each pixel taken as bright or as dimmed, whichever
    fits, and the share of its brightness to which it is then dimmed.
    """
    as_bright = np.abs(fits - tile).mean(axis=-1)

    def differ(kept: Pixels) -> Pixels:
        each = kept[:, None, None]
        return np.asarray(np.abs(fits * each[..., None] - tile).mean(axis=-1) * (_DIMMED_COUNTS / each))

    kept = np.full(len(fits), DIMMED_TO, np.float32)
    if dimming == AUTO:  # of what lies outside, which is not known before the share is: of all first
        gray = fits @ GRAY
        is_outside = differ(keep_share(gray.mean(axis=(1, 2)))) < as_bright
        kept = keep_share((gray * is_outside).sum(axis=(1, 2)) / np.maximum(is_outside.sum(axis=(1, 2)), 1))
    return np.minimum(as_bright, differ(kept)).mean(axis=(1, 2)), kept


def _best_of_each(images: Integers, residual: Pixels) -> Integers:
    """Indices of the best box of each picture, best picture first; ties to the earlier."""
    order = np.lexsort((np.arange(len(residual)), residual))
    _, first = np.unique(images[order], return_index=True)
    return np.asarray(order[np.sort(first)])


def _find_bright(tile: Pixels, fit: Pixels, kept: float) -> npt.NDArray[np.bool_]:
    """Which cells of the tile are shown bright, by comparing with the picture in a small neighborhood."""
    gain = uniform_filter((tile * fit).sum(axis=-1), 3) / np.maximum(uniform_filter((fit * fit).sum(axis=-1), 3), 1)
    return np.asarray(gain > (1 + kept) / 2)
