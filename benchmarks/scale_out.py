"""What cutting a dissection costs: two processes of one thread against one process of two, and shards against one run.

AlexNet conv5. The processes share the shards as two GPU processes would: tallies are kept in a folder, and each starts
from the best bounds there. Wall seconds from a common start to the last end, least of the rounds. Shards are of 512
images, as `dissect` cuts them, measured, kept, read again and merged in one process; CPU seconds of one thread, least
of the rounds. Prints `name value bound`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks._images import benchmark_images
from benchmarks.dissect_overhead import CASES
from tests.workers.engine.options import cut_shards, make_options
from workers.engine import dissect
from workers.engine.format.artifact import pack_arrays, unpack_arrays
from workers.engine.images.image_set import ImageSet
from workers.engine.measures.tally import load_tally, merge_tallies, save_tally
from workers.engine.networks.loading import LoadedNetwork, load_network

ARCHITECTURE, LAYERS, _ = CASES["alexnet-conv5"]
OPTIONS = make_options()
N_IMAGES = 1024
SHARD_BATCHES = 16
ROUNDS = 3
Shard = tuple[int, int]


def measure(*, network: LoadedNetwork, image_set: ImageSet, shards: list[Shard], folder: Path, threads: int) -> None:
    for first, last in shards:
        told: dict[str, list[np.ndarray]] = {}
        for path in folder.glob("*.bounds"):
            for layer, bound in unpack_arrays(path.read_bytes()).items():
                told.setdefault(layer, []).append(bound)
        best = {layer: np.concatenate(parts, axis=1) for layer, parts in told.items()}
        tally = dissect.measure_shard(
            network=network, layers=LAYERS, image_set=image_set, options=OPTIONS,
            shard=dissect.Shard(first, last, best), means=dissect.Means(decode_threads=0),
        )  # fmt: skip
        save_tally(tally, folder / f"{first}.tally")
        (folder / f".{first}.{threads}").write_bytes(pack_arrays(dissect.bounds_of(tally)))
        (folder / f".{first}.{threads}").rename(folder / f"{first}.bounds")


def cut(n_images: int, batches: int) -> list[Shard]:
    return cut_shards(n_images=n_images, options=OPTIONS, batches_each=batches)


def work(threads: int, place: int, n_processes: int, folder: Path) -> None:
    """One process's part, begun when its input ends."""
    torch.set_num_threads(threads)
    with benchmark_images(N_IMAGES) as image_set:
        network = load_network(architecture=ARCHITECTURE, weights=None)
        shards = cut(len(image_set.paths), SHARD_BATCHES // 2)
        measure(network=network, image_set=image_set, shards=cut(64, 1)[:1], folder=folder, threads=threads)
        print("ready", flush=True)
        sys.stdin.read()
        measure(network=network, image_set=image_set, shards=shards[place::n_processes], folder=folder, threads=threads)


def seconds_of(n_processes: int) -> float:
    """Wall seconds that n processes need together, the two threads of the machine shared among them."""
    with tempfile.TemporaryDirectory() as folder:
        running = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.scale_out",
                    str(2 // n_processes),
                    str(place),
                    str(n_processes),
                    folder,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for place in range(n_processes)
        ]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        since = time.perf_counter()
        for process in running:
            assert process.stdin is not None
            process.stdin.close()
        if any(process.wait() for process in running):
            raise RuntimeError("A process failed.")
        return time.perf_counter() - since


def shard_overhead(image_set: ImageSet) -> float:
    torch.set_num_threads(1)
    network = load_network(architecture=ARCHITECTURE, weights=None)
    seconds: dict[int, list[float]] = {SHARD_BATCHES: [], 1_000_000: []}
    for _ in range(ROUNDS):
        for batches, taken in seconds.items():
            shards = cut(len(image_set.paths), batches)
            with tempfile.TemporaryDirectory() as folder:
                since = time.process_time()
                measure(network=network, image_set=image_set, shards=shards, folder=Path(folder), threads=1)
                merge_tallies(load_tally(path) for path in Path(folder).glob("*.tally"))
                taken.append(time.process_time() - since)
    print(f"shards: {seconds}", file=sys.stderr, flush=True)
    return min(seconds[SHARD_BATCHES]) / min(seconds[1_000_000])


def main() -> None:
    if sys.argv[1:]:
        threads, place, n_processes = map(int, sys.argv[1:4])
        work(threads, place, n_processes, Path(sys.argv[4]))
        return
    with benchmark_images(N_IMAGES) as image_set:
        os.environ.setdefault("UNITSCOPE_BENCHMARK_IMAGES", str(image_set.root))
        print(f"shard-overhead {shard_overhead(image_set):.3f} <=1.03", flush=True)
        rounds = [(seconds_of(2), seconds_of(1)) for _ in range(ROUNDS)]
        print(f"processes: {rounds}", file=sys.stderr, flush=True)
        two, one = (min(taken) for taken in zip(*rounds, strict=True))
        print(f"two-processes-against-two-threads {two / one:.3f} <=1.10", flush=True)


if __name__ == "__main__":
    main()
