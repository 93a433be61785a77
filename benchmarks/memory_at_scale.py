"""Memory of joining and completing at Broden's size, by synthetic tallies: five layers of ResNet-50 over 63,305 images.

No image is read. Each shard's tally is drawn: the peaks of every unit and image, a block of cells over the bound (with
its neighbors) in as many maps as the tail asks for, the maps of top images, and label runs. Then a process of its own
joins the tallies and completes top images, thresholds and IoU with arrays in files; its high-water mark counts.

`--part P` takes one in P of each layer's units, because tallies of all of them take 40 GB; what is stated is printed
for all units and for that part. `--layer L` takes one layer, and `--folder` is where files go. Prints
`name value bound`: gigabytes that are stated for all units, the same for the units that were taken, and what the
process took.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator, default_rng

from benchmarks.dissect_memory import read_high_water
from tests.workers.engine.making import finish
from tests.workers.engine.options import make_options
from workers.engine.estimate_memory import Estimator, size_layer
from workers.engine.format.spilling import Spill
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_table import Label, LabelTable
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.tally import LayerTally, Tally, load_tally, merge_tallies, save_tally
from workers.engine.measures.thresholds.arrays import ThresholdOptions
from workers.engine.measures.thresholds.measure import Candidates
from workers.engine.measures.thresholds.thresholds import SparseMaps
from workers.engine.measures.top_images.arrays import TopImagesOptions
from workers.engine.measures.top_images.measure import Peaks
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import load_network

N_IMAGES, N_SHARDS = 63_305, 16
SHAPES = [
    LayerShape("relu", 64, 112, 112),
    LayerShape("layer1", 256, 56, 56),
    LayerShape("layer2", 512, 28, 28),
    LayerShape("layer3", 1024, 14, 14),
    LayerShape("layer4", 2048, 7, 7),
]
# The side of a block of cells over the bound, and how many more cells lie over the bound than over the threshold.
SIDES = {"relu": 9, "layer1": 6, "layer2": 4, "layer3": 2, "layer4": 1}
SLACK = 1.25
LABEL_PX, N_LABELS, RUNS_PER_MAP = 112, 1197, 1500
CATEGORIES = ("color", "object")
BOUND_GB = 8
OPTIONS = make_options()


def draw_cells(rng: Generator, images: np.ndarray, shape: LayerShape) -> SparseMaps:
    """A block over the bound 0 in some maps, framed by cells below it."""
    side = SIDES[shape.path]
    share = SLACK * OPTIONS.of(ThresholdOptions).tail * shape.height * shape.width / side**2
    row, unit = np.nonzero(rng.random((len(images), shape.n_units), dtype=np.float32) < share)
    frame = np.arange(-1, side + 1)
    block = (frame[:, None] * shape.width + frame).ravel()
    inside = np.zeros((side + 2, side + 2), dtype=bool)
    inside[1:-1, 1:-1] = True
    corner = rng.integers(1, max(2, shape.height - side), (2, len(row)))
    cell = (corner[0] * shape.width + corner[1])[:, None] + block
    value = rng.random(cell.shape, dtype=np.float32) - ~inside.ravel()
    return SparseMaps(
        image=images[row].astype(np.int32),
        unit=unit.astype(np.int32),
        start=np.arange(len(row) + 1, dtype=np.int64) * len(block),
        cell=cell.astype(np.int32).ravel(),
        value=value.astype(np.float32).ravel(),
    )


def draw_layer(rng: Generator, images: np.ndarray, shape: LayerShape) -> LayerTally:
    n_maps = OPTIONS.of(TopImagesOptions).n_maps
    peaks = rng.random((len(images), shape.n_units), dtype=np.float32)
    best = np.argsort(-peaks, axis=0)[:n_maps].T
    maps = np.zeros((shape.n_units, n_maps, shape.height, shape.width), dtype=np.float32)
    return LayerTally(
        shape=shape,
        parts={
            "top_images": Peaks(
                peaks=peaks,
                peak_cells=np.zeros(peaks.shape, np.int32),
                top_images=images[best].astype(np.int32),
                top_maps=maps,
            ),
            "thresholds": Candidates(bound=np.zeros(shape.n_units, np.float32), cells=draw_cells(rng, images, shape)),
        },
    )


def draw_labels(rng: Generator, images: np.ndarray) -> PackedLabels:
    """Two label maps an image, of RUNS_PER_MAP runs each."""
    n_slots = len(CATEGORIES) * len(images)
    step = LABEL_PX**2 // RUNS_PER_MAP
    starts = np.arange(RUNS_PER_MAP) * step + rng.integers(0, step, (n_slots, RUNS_PER_MAP))
    starts[:, 0] = 0
    return PackedLabels(
        images=images.astype(np.int32),
        height=np.full(len(images), LABEL_PX, np.int32),
        width=np.full(len(images), LABEL_PX, np.int32),
        image_start=np.arange(len(images) + 1, dtype=np.int64) * len(CATEGORIES),
        slot_category=np.tile(np.arange(len(CATEGORIES), dtype=np.int16), len(images)),
        slot_whole=np.zeros(n_slots, dtype=bool),
        slot_start=np.arange(n_slots + 1, dtype=np.int64) * RUNS_PER_MAP,
        run_start=starts.astype(np.int32).ravel(),
        run_label=rng.integers(0, N_LABELS + 1, starts.size).astype(np.uint16),
    )


def draw_tallies(shapes: list[LayerShape], folder: Path) -> None:
    for i, images in enumerate(np.array_split(np.arange(N_IMAGES), N_SHARDS)):
        rng = default_rng(i)
        layers = tuple(draw_layer(rng, images, shape) for shape in shapes)
        tally = Tally(
            key="", images=images.astype(np.int32), quarantined=(), labels=draw_labels(rng, images),
            layers=layers, seconds={},
        )  # fmt: skip
        save_tally(tally, folder / f"{i:03}.npz")


def complete(folder: Path) -> None:
    """Join the tallies and complete the measures that need no pictures; prints gigabytes beyond the idle process."""
    labels = LabelTable(
        labels=tuple(Label(n, f"label {n}", CATEGORIES[n % 2], (CATEGORIES[n % 2],)) for n in range(1, N_LABELS + 1)),
        categories=CATEGORIES,
    )
    image_set = ImageSet(root=folder, paths=tuple(map(str, range(N_IMAGES))), sha256="", labels=labels)
    network, idle = load_network(architecture="torchvision:resnet50", weights=None), read_high_water()
    since = time.monotonic()
    tally = merge_tallies([load_tally(path) for path in sorted(folder.glob("*.npz"))], spill=Spill(folder))
    print(f"merged: {time.monotonic() - since:.0f} s, {read_high_water() - idle:.0f} MB", file=sys.stderr, flush=True)
    finish(network=network, image_set=image_set, tally=tally, options=OPTIONS)
    print(f"completed: {time.monotonic() - since:.0f} s", file=sys.stderr, flush=True)
    print((read_high_water() - idle) / 1e3)


def stated(shapes: list[LayerShape]) -> float:
    """Gigabytes, with arrays in files, of the stage that needs most."""
    tail = OPTIONS.of(ThresholdOptions).tail
    estimator = Estimator(
        layers=[size_layer(shape, n_images=N_IMAGES, tail=tail) for shape in shapes],
        options=OPTIONS,
        n_images=N_IMAGES,
        label_bytes=6 * RUNS_PER_MAP * len(CATEGORIES),
        labels_of_image=N_LABELS,
        n_labels=N_LABELS,
        input_px=224,
    )
    return max(estimator.measure(shard_images=512).spilled, estimator.merge().spilled) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", type=int, default=16)
    parser.add_argument("--layer")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--complete", action="store_true")
    given = parser.parse_args()
    if given.complete:
        complete(given.folder)
        return
    layers = [shape for shape in SHAPES if given.layer in (None, shape.path)]
    shapes = [replace(shape, n_units=shape.n_units // given.part) for shape in layers]
    print(f"memory-at-scale-stated-gigabytes {stated(layers):.2f} <={BOUND_GB}", flush=True)
    print(f"memory-at-scale-stated-for-part-gigabytes {stated(shapes):.2f} -", flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        draw_tallies(shapes, Path(folder))
        command = [sys.executable, "-m", "benchmarks.memory_at_scale", "--complete", "--folder", folder]
        taken = float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    print(f"memory-at-scale-taken-gigabytes {taken:.2f} <={min(BOUND_GB, stated(shapes)):.2f}", flush=True)


if __name__ == "__main__":
    main()
