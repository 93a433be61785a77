"""The image set of the benchmarks: a folder named by UNITSCOPE_BENCHMARK_IMAGES, else the labeled photographs that lie
beside the checkout, else a made set of the same make.

The made set is 224 px JPEGs of smooth noise with 112 px label maps (one of colors on every image, one of
objects on most): its cost of decoding is like that of photographs; what units do on it is not.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set

PHOTOGRAPHS = Path(__file__).parent.parent.parent / "shared" / "data" / "minibroden"


@contextmanager
def benchmark_images(n_images: int) -> Iterator[ImageSet]:
    """n_images of the named set, evenly spread over it, or n_images made ones."""
    named = os.environ.get("UNITSCOPE_BENCHMARK_IMAGES")
    if named or PHOTOGRAPHS.is_dir():
        yield spread(open_image_set(Path(named or PHOTOGRAPHS)), n_images)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_images(Path(folder), n_images)
        yield open_image_set(Path(folder))


def spread(image_set: ImageSet, n_images: int) -> ImageSet:
    """n_images of the set, evenly spread over it."""
    if n_images >= len(image_set.paths) or image_set.labels is None:
        return image_set
    kept = [i * len(image_set.paths) // n_images for i in range(n_images)]
    return replace(
        image_set, paths=tuple(image_set.paths[i] for i in kept), read_runs=lambda i: image_set.read_labels(kept[i])
    )


def make_images(root: Path, n_images: int, *, px: int = 224, label_px: int = 112) -> None:
    """n_images pictures of px x px with label maps of label_px x label_px, in Broden's layout."""
    (root / "images").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n_images):
        noise = Image.fromarray(rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)).resize(
            (px, px), Image.Resampling.BICUBIC
        )
        noise.save(root / "images" / f"{i:05}.jpg", quality=90)
        cells = {}
        for category, first, last, grain in (("color", 1, 12, 40), ("object", 12, 40, 8)):
            numbers = rng.integers(first, last, (grain, grain), dtype=np.uint8)
            big = np.asarray(Image.fromarray(numbers).resize((label_px, label_px), Image.Resampling.NEAREST))
            Image.fromarray(np.stack([big, big * 0, big * 0], axis=-1)).save(root / "images" / f"{i:05}_{category}.png")
            cells[category] = f"{i:05}_{category}.png"
        rows.append(
            [f"{i:05}.jpg", "train", px, px, label_px, label_px, cells["color"], cells["object"] if i % 4 else ""]
        )
    labels = {number: "color" if number < 12 else "object" for number in range(1, 40)}
    _write(root / "index.csv", ["image", "split", "ih", "iw", "sh", "sw", "color", "object"], rows)
    _write(
        root / "category.csv",
        ["name", "first", "last", "count", "frequency"],
        [[c, 1, 2, 3, 4] for c in ("color", "object")],
    )
    _write(
        root / "label.csv",
        ["number", "name", "category", "frequency", "coverage", "syns"],
        [[n, f"label {n}", f"{c}(1)", 1, 1, ""] for n, c in labels.items()],
    )
    for category in ("color", "object"):
        own = [[i, n, f"label {n}", 1, 1] for i, (n, c) in enumerate(labels.items(), 1) if c == category]
        _write(root / f"c_{category}.csv", ["code", "number", "name", "frequency", "coverage"], own)


def _write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
