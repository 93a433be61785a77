"""Slow, plain re-implementations of the measures, straight from their definitions: loops, no sparsity, no chunks."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
import torch
from PIL import Image

from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.broden import read_index
from workers.engine.networks.hooks import reading
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.probing import probe_layers


def dense_activations(*, network: LoadedNetwork, path: str, image_set: ImageSet, batch_size: int) -> np.ndarray:
    """(N, U, h, w): every activation, in the batches that the pass uses."""
    kept: list[np.ndarray] = []
    shapes = probe_layers(module=network.module, paths=[path], input_px=network.preprocessing.input_px)
    with reading(
        module=network.module, shapes=[shapes[path]], consume=lambda _path, maps: kept.append(maps.numpy().copy())
    ) as run:
        for first in range(0, len(image_set.paths), batch_size):
            last = min(len(image_set.paths), first + batch_size)
            stack = [image_set.read_pixels(i, preprocessing=network.preprocessing) for i in range(first, last)]
            run(normalize(pixels=torch.from_numpy(np.stack(stack)), preprocessing=network.preprocessing))
    return np.concatenate(kept)


def threshold_of(values: np.ndarray, tail: float) -> np.float32:
    """The (k + 1)-th largest, k = floor(tail M)."""
    ordered = np.sort(values.ravel())[::-1]
    return ordered[floor(round(tail * ordered.size, 9))]


def lerp(a: np.float32, b: np.float32, weight: np.float32) -> np.float32:
    """In float32, and never beyond a or b by rounding."""
    value = np.float32(a + np.float32(weight * np.float32(b - a)))
    return b if weight == 1 else min(max(value, min(a, b)), max(a, b))


def value_at(cells: np.ndarray, y: float, x: float) -> np.float32:
    """Bilinear value at a position in units of cells, edges clamped, along the row first."""
    height, width = cells.shape
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = min(floor(y), max(0, height - 2)), min(floor(x), max(0, width - 2))
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = np.float32(y - top), np.float32(x - left)
    return lerp(
        lerp(cells[top, left], cells[top, right], across), lerp(cells[bottom, left], cells[bottom, right], across), down
    )


def mask_of(
    cells: np.ndarray, threshold: np.float32, px: int, *, stride: float, offset: float, input_px: int
) -> np.ndarray:
    """(px, px) flags: strictly over the threshold where cell i lies at offset + i x stride on the input."""
    mask = np.zeros((px, px), dtype=bool)
    for y in range(px):
        for x in range(px):
            at = [((p + 0.5) * input_px / px - 0.5 - offset) / stride for p in (y, x)]
            mask[y, x] = value_at(cells, at[0], at[1]) > threshold
    return mask


@dataclass
class ImageLabels:
    """An image's labels as read again from disk: whole-image numbers and (px, px) maps."""

    whole: list[int]
    maps: list[np.ndarray]

    def carrying(self, number: int, px: int) -> np.ndarray:
        carried = np.full((px, px), number in self.whole)
        for one in self.maps:
            carried |= one == number
        return carried


def labels_of(image_set: ImageSet, index: int) -> ImageLabels:
    rows, _, _ = read_index(image_set.root.parent, "index.csv")
    found = ImageLabels([], [])
    for _, value in rows[index].labels:
        if isinstance(value, int):
            found.whole.append(value)
        else:
            pixels = np.asarray(Image.open(image_set.root / value)).astype(int)
            found.maps.append(pixels[..., 0] + 256 * pixels[..., 1])
    return found


@dataclass
class Counts:
    intersection: np.ndarray
    area: np.ndarray
    truth: np.ndarray


def count(
    *,
    mode: str,
    activations: np.ndarray,
    thresholds: np.ndarray,
    image_set: ImageSet,
    px: int,
    input_px: int,
    stride: float,
    offset: float,
    order: list[int] | None = None,
    only: list[int] | None = None,
) -> Counts:
    """Brute force over images, units, labels and pixels; of all images, or `only` some. With `order`, image i has the
    labels of image order[i].
    """
    index = image_set.labels
    assert index is not None
    n_units, n_labels = activations.shape[1], len(index.labels)
    counts = Counts(np.zeros((n_units, n_labels), int), np.zeros((n_units, n_labels), int), np.zeros(n_labels, int))
    category_of = {label.number: label.category for label in index.labels}
    if mode == "lite":
        stride = input_px / activations.shape[2]
        offset = stride / 2 - 0.5
    for i in range(len(activations)) if only is None else only:
        labels = labels_of(image_set, i if order is None else order[i])
        held = {number for one in labels.maps for number in np.unique(one)} | set(labels.whole)
        present = {category_of[number] for number in held if number != 0}
        for c, label in enumerate(index.labels):
            if mode == "lite":
                counts.truth[c] += sum((one == label.number).sum() for one in labels.maps)
                counts.truth[c] += labels.whole.count(label.number) * px * px
            else:
                counts.truth[c] += labels.carrying(label.number, px).sum()
        for u in range(n_units):
            mask = mask_of(activations[i, u], thresholds[u], px, stride=stride, offset=offset, input_px=input_px)
            under = {category_of[n] for one in labels.maps for n in np.unique(one[mask]) if n != 0}
            # A whole-image label counts under every mask; 0 too, in the last category, for coverage 0 ties to the
            # later.
            under |= {category_of[n] if n else index.categories[-1] for n in labels.whole}
            for c, label in enumerate(index.labels):
                if mode == "lite":
                    meets = sum((mask & (one == label.number)).sum() for one in labels.maps)
                    meets += labels.whole.count(label.number) * mask.sum()
                    counted = label.category in under
                else:
                    meets = (mask & labels.carrying(label.number, px)).sum()
                    counted = mode == "unconditional" or label.category in present
                counts.intersection[u, c] += meets
                counts.area[u, c] += mask.sum() * counted
    return counts
