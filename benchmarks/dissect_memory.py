"""Memory of a dissection: the peak beyond the floor's (decoding and the bare forward pass), the limit that is stated
beforehand, and what tallies take.

AlexNet conv5, one process for each reading, its high-water mark as the system counts it. Prints `name value bound`,
`-` where there is no bound: megabytes beyond the floor, and what part that is of the stated limit; for 1, 10 and 100
shards the bytes of all tallies for an image and unit, beside the top images' maps, which every shard has; and the
gigabytes of both for Broden's 63,305 images.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks._images import benchmark_images
from benchmarks.dissect_overhead import CASES, Setting, floor, whole
from tests.workers.engine.options import cut_shards, make_options
from workers.engine import dissect
from workers.engine.estimate_memory import make_estimator
from workers.engine.images.image_set import ImageSet
from workers.engine.measures.tally import save_tally
from workers.engine.measures.top_images.arrays import TopImagesOptions
from workers.engine.networks.loading import load_network

ARCHITECTURE, LAYERS, _ = CASES["alexnet-conv5"]
BRODEN_IMAGES = 63_305
N_IMAGES = 100_000  # all of the set
MEGABYTE = 1e6


def read_high_water() -> float:
    """The most memory this process has held, in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / MEGABYTE for line in lines if line.startswith("VmHWM"))


def peak_of(act: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.dissect_memory", act], stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout)


def tally_sizes(image_set: ImageSet, n_shards: int) -> list[int]:
    """Bytes of each shard's tally, each shard starting from the best bounds so far."""
    # Small batches, so that a set of two thousand images can be cut into a hundred shards.
    options, network = make_options(batch_size=16), load_network(architecture=ARCHITECTURE, weights=None)
    n_batches = -(-len(image_set.paths) // options.run.batch_size)
    shards = cut_shards(n_images=len(image_set.paths), options=options, batches_each=max(1, n_batches // n_shards))
    sizes, bounds = [], None
    for first, last in shards:
        tally = dissect.measure_shard(
            network=network, layers=LAYERS, image_set=image_set, options=options,
            shard=dissect.Shard(first, last, bounds),
        )  # fmt: skip
        found = dissect.bounds_of(tally)
        bounds = {
            path: np.concatenate([bounds[path], found[path]], axis=1) if bounds else found[path] for path in found
        }
        with tempfile.TemporaryDirectory() as folder:
            save_tally(tally, Path(folder) / "tally.npz")
            sizes.append((Path(folder) / "tally.npz").stat().st_size)
    return sizes


def main() -> None:
    with benchmark_images(N_IMAGES) as image_set:
        os.environ.setdefault("UNITSCOPE_BENCHMARK_IMAGES", str(image_set.root))
        network, options = load_network(architecture=ARCHITECTURE, weights=None), make_options()
        if sys.argv[1:]:
            torch.set_num_threads(1)
            setting = Setting(
                network=network, layers=LAYERS, image_set=image_set, options=options, device="cpu", decode_threads=0
            )
            floor(setting) if sys.argv[1] == "floor" else whole(setting, None)
            print(read_high_water())
            return
        n_images, shapes = (
            len(image_set.paths),
            dissect.survey(network=network, layers=LAYERS, device="cpu", options=options),
        )
        beyond = peak_of("whole") - peak_of("floor")
        print(f"memory-alexnet-conv5-beyond-floor {beyond:.0f} <=250", flush=True)
        estimator = make_estimator(
            shapes=shapes.values(), image_set=image_set, options=options, input_px=network.preprocessing.input_px
        )
        stated = max(estimator.measure(shard_images=n_images).in_memory, estimator.merge().in_memory)
        print(f"memory-of-what-was-stated {beyond * MEGABYTE / stated:.2f} <=1", flush=True)
        shape = shapes[LAYERS[0]]
        tops = shape.n_units * options.of(TopImagesOptions).n_maps * shape.height * shape.width * 4
        for n_shards in (1, 10, 100):
            sizes = tally_sizes(image_set, n_shards)
            per_image = (sum(sizes) - len(sizes) * tops) / n_images
            gigabytes = (per_image * BRODEN_IMAGES + len(sizes) * tops) / 1e9
            print(f"bytes-an-image-and-unit-{len(sizes)}-shards {per_image / shape.n_units:.1f} -", flush=True)
            print(f"broden-gigabytes-{len(sizes)}-shards {gigabytes:.2f} -", flush=True)


if __name__ == "__main__":
    main()
