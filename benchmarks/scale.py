"""How a dissection grows with images, units and layers: CPU seconds, memory and disk of each size, and the growth.

Pictures of 64 px are drawn, with label maps of 32 px; a network of two convolutions gives layers of any number of units
with 8 x 8 cells each. The network itself costs next to nothing, so that what is read is the dissection's own share.
Each size runs in a process of its own with one thread: shards of 512 images are measured and kept in files, then
joined; top images, thresholds and IoU are completed; the strips of CROPPED_UNITS units are cut. Those of more units
take proportionally longer. Prints `name value bound`, and on standard error the rows of docs/scale.md as they are read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks._images import make_images, spread
from benchmarks.dissect_memory import read_high_water
from tests.workers.engine.making import finish
from tests.workers.engine.options import cut_shards, make_options
from workers.engine import complete, dissect
from workers.engine.images.batches import Stopwatch, read_batch
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.crops.arrays import Crops
from workers.engine.measures.measure import list_measures
from workers.engine.measures.recorded import to_arrays
from workers.engine.measures.tally import Tally, load_tally, merge_tallies, save_tally
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing

PX, LABEL_PX = 64, 32
N_MADE = 8000
CROPPED_UNITS = 16
OPTIONS = make_options()


@dataclass(frozen=True)
class Size:
    n_images: int
    n_units: int
    n_layers: int


BASE = Size(500, 256, 1)
SIZES = [
    BASE,
    Size(2000, 256, 1),
    Size(8000, 256, 1),
    Size(500, 2048, 1),
    Size(500, 8192, 1),
    Size(500, 256, 5),
]


@dataclass(frozen=True)
class Reading:
    """Of one size: CPU seconds of decoding images alone, of measuring (decoding included), of joining and completing;
    milliseconds per unit's strip; megabytes of memory beyond the idle process, of tallies and of the artifact's arrays.
    """

    decode: float
    measure: float
    complete: float
    strip_ms: float
    memory: float
    tallies: float
    arrays: float


class Branches(nn.Module):
    """Layers `layers.0`, `layers.1`, ... side by side on one stem: each has n_units units of 8 x 8 cells."""

    def __init__(self, n_units: int, n_layers: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 5, stride=4, padding=2), nn.ReLU())
        parts = [nn.Sequential(nn.Conv2d(16, n_units, 3, stride=2, padding=1), nn.ReLU()) for _ in range(n_layers)]
        self.layers = nn.ModuleList(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem = self.stem(x)
        return torch.stack([layer(stem).mean(dim=(2, 3)) for layer in self.layers]).sum(dim=0)


def make_network(size: Size) -> LoadedNetwork:
    torch.manual_seed(0)
    module = Branches(size.n_units, size.n_layers).eval().requires_grad_(False)
    return LoadedNetwork("benchmarks:branches", module, Preprocessing(input_px=PX), weights_sha256="")


def read_size(size: Size, image_set: ImageSet) -> Reading:
    """In a process of its own: memory is its high-water mark."""
    torch.set_num_threads(1)
    network, idle = make_network(size), read_high_water()
    decode = _time_decoding(network, image_set)
    with tempfile.TemporaryDirectory() as folder:
        since = time.process_time()
        tallies = _measure(network, size, image_set, Path(folder))
        measured = time.process_time()
        tally = merge_tallies([load_tally(path) for path in tallies])
        layers = finish(network=network, image_set=image_set, tally=tally, options=OPTIONS)
        completed = time.process_time()
        memory = read_high_water() - idle
        kept = sum(path.stat().st_size for path in tallies) / 1e6
    arrays = [array for layer in layers for result in layer.results.values() for array in to_arrays(result).values()]
    return Reading(
        decode=decode,
        measure=measured - since,
        complete=completed - measured,
        strip_ms=_time_strips(image_set) if size == BASE else float("nan"),
        memory=memory,
        tallies=kept,
        arrays=sum(array.nbytes for array in arrays) / 1e6,
    )


def _time_decoding(network: LoadedNetwork, image_set: ImageSet) -> float:
    step, since = OPTIONS.run.batch_size, time.process_time()
    for first in range(0, len(image_set.paths), step):
        indices = range(first, min(first + step, len(image_set.paths)))
        read_batch(image_set=image_set, preprocessing=network.preprocessing, indices=indices, watch=Stopwatch())
    return time.process_time() - since


def _measure(network: LoadedNetwork, size: Size, image_set: ImageSet, folder: Path) -> list[Path]:
    """The tallies of shards of 512 images, each of which starts from the bounds of those before it."""
    batches = 512 // OPTIONS.run.batch_size
    paths: list[Path] = []
    told: dict[str, list[np.ndarray]] = {}
    for first, last in cut_shards(n_images=len(image_set.paths), options=OPTIONS, batches_each=batches):
        best = {layer: np.concatenate(parts, axis=1) for layer, parts in told.items()}
        tally = _measure_shard(network, size.n_layers, image_set, dissect.Shard(first, last, best))
        for layer, bound in dissect.bounds_of(tally).items():
            told.setdefault(layer, []).append(bound)
        paths.append(folder / f"{first}.tally")
        save_tally(tally, paths[-1])
    return paths


def _measure_shard(network: LoadedNetwork, n_layers: int, image_set: ImageSet, shard: dissect.Shard) -> Tally:
    return dissect.measure_shard(
        network=network, layers=[f"layers.{number}" for number in range(n_layers)], image_set=image_set,
        options=OPTIONS, shard=shard, means=dissect.Means(decode_threads=0),
    )  # fmt: skip


def _time_strips(image_set: ImageSet) -> float:
    """CPU milliseconds of one unit's strip."""
    network = make_network(Size(len(image_set.paths), CROPPED_UNITS, 1))
    tally = _measure_shard(network, 1, image_set, dissect.Shard(0, len(image_set.paths)))
    completion = complete.prepare(
        network=network, image_set=image_set, tally=tally, options=OPTIONS,
        save=lambda name, data: None, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    for measure in list_measures():
        if measure.stage == "label":
            complete.complete_measure(measure, completion)
        if measure.recorded.arrays is Crops:
            since = time.process_time()
            complete.complete_measure(measure, completion)
            return 1000 * (time.process_time() - since) / CROPPED_UNITS
    raise RuntimeError("No measure cuts crops.")


def read_apart(size: Size, folder: Path) -> Reading:
    command = [sys.executable, "-m", "benchmarks.scale", str(folder), *map(str, astuple(size))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return Reading(**found)


def show_row(size: Size, one: Reading) -> None:
    """A row of the table of docs/scale.md."""
    sizes = f"{size.n_images:,} | {size.n_units:,} | {size.n_layers}"
    seconds = f"{one.decode:.1f} | {one.measure:.1f} | {one.complete:.1f}"
    print(f"| {sizes} | {seconds} | {one.memory:.0f} | {one.tallies:.1f} | {one.arrays:.1f} |", file=sys.stderr)
    if size == BASE:
        print(f"(one strip: {one.strip_ms:.1f} ms)", file=sys.stderr)
    sys.stderr.flush()


def show_growth(found: dict[Size, Reading]) -> None:
    """What one more image, unit or layer costs at the largest size, beside the mean at the smaller one."""

    def cost(size: Size) -> float:
        return found[size].measure + found[size].complete

    _, more_images, most_images, more_units, most_units, layers = SIZES
    few, many = cost(more_images) / 2000, (cost(most_images) - cost(more_images)) / 6000
    print(f"scale-seconds-per-image-8000-against-2000 {many / few:.2f} <=1.20")
    few, many = cost(more_units) / 2048, (cost(most_units) - cost(more_units)) / 6144
    print(f"scale-seconds-per-unit-8192-against-2048 {many / few:.2f} <=1.20")
    print(f"scale-five-layers-against-five-runs {cost(layers) / (5 * cost(BASE)):.2f} <=1.00")
    growth = (found[most_images].memory - found[more_images].memory) / 6000
    print(f"scale-megabytes-per-1000-images {1000 * growth:.1f} -", flush=True)


def main() -> None:
    if sys.argv[1:]:
        n_images, n_units, n_layers = map(int, sys.argv[2:5])
        found = read_size(Size(n_images, n_units, n_layers), spread(open_image_set(Path(sys.argv[1])), n_images))
        print(json.dumps(dict(zip(Reading.__dataclass_fields__, astuple(found), strict=True))))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_images(Path(folder), N_MADE, px=PX, label_px=LABEL_PX)
        readings = {}
        for size in SIZES:
            readings[size] = read_apart(size, Path(folder))
            show_row(size, readings[size])
    show_growth(readings)


if __name__ == "__main__":
    main()
