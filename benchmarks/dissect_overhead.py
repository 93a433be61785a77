"""Cost of a whole dissection (top images, exact thresholds, `paper` IoU, labels decoded) as a multiple of the
floor.

The floor decodes the same images and runs the bare network up to the same layer, in the same batches, threads
and memory format. Both are timed in this process, in turn; prints `name value bound`, the value being the ratio of the
least seconds of the rounds: what other work on the machine adds is left out. CPU seconds with one thread, wall seconds
with two.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from benchmarks._images import benchmark_images, spread
from workers.engine import complete, dissect
from workers.engine.activations import Stopwatch, read_batch
from workers.engine.hooks import reading
from workers.engine.images import ImageSet
from workers.engine.networks import LoadedNetwork, load_network, normalize
from workers.engine.options import DissectionOptions

CASES = {
    "alexnet-conv5": ("torchvision:alexnet", ["features.11"], {1: 1.20, 2: 1.30}),
    "resnet18-layer4": ("torchvision:resnet18", ["layer4"], {1: 1.12, 2: 1.20}),
    "alexnet-all": (
        "torchvision:alexnet",
        ["features.1", "features.4", "features.7", "features.9", "features.11"],
        {1: 1.50},
    ),
}


def floor(*, network: LoadedNetwork, layers: list[str], image_set: ImageSet, options: DissectionOptions) -> None:
    """Decode and forward, nothing else; the images are warped as the labeled ones are."""
    network = replace(network, preprocessing=replace(network.preprocessing, resize="warp"))
    bare = replace(image_set, broden=None)
    watch = Stopwatch()
    with reading(module=network.module, paths=layers, consume=lambda path, maps: None) as run:
        for first in range(0, len(bare.paths), options.batch_size):
            indices = range(first, min(len(bare.paths), first + options.batch_size))
            batch = read_batch(image_set=bare, preprocessing=network.preprocessing, indices=indices, watch=watch)
            run(normalize(pixels=batch.pixels, preprocessing=network.preprocessing))


def whole(*, network: LoadedNetwork, layers: list[str], image_set: ImageSet, options: DissectionOptions) -> None:
    tally = dissect.measure_shard(
        network=network,
        layers=layers,
        image_set=image_set,
        first=0,
        last=len(image_set.paths),
        options=options,
        device="cpu",
        progress=lambda n_done: None,
        decode_threads=0,
    )
    complete.finish(network=network, image_set=image_set, tally=tally, options=options)


def ratio(*, name: str, image_set: ImageSet, rounds: int, clock: Callable[[], float]) -> float:
    """Whole / floor, the least seconds of each over the rounds, taken in turn in this process."""
    architecture, layers, _ = CASES[name]
    network = load_network(architecture=architecture, weights=None)
    seconds: dict[str, list[float]] = {"floor": [], "whole": []}
    floor(network=network, layers=layers, image_set=spread(image_set, 64), options=DissectionOptions())  # warm
    for _ in range(rounds):
        for act in (floor, whole):
            since = clock()
            act(network=network, layers=layers, image_set=image_set, options=DissectionOptions())
            seconds[act.__name__].append(clock() - since)
    print(f"{name}: {seconds}", file=sys.stderr, flush=True)
    return min(seconds["whole"]) / min(seconds["floor"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--threads", type=int, action="append", choices=(1, 2))
    parser.add_argument("--n-images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with benchmark_images(arguments.n_images) as image_set:
        for threads in arguments.threads or (1, 2):
            torch.set_num_threads(threads)
            for name in arguments.case or CASES:
                bound = CASES[name][2].get(threads)
                if bound is not None:
                    clock = time.process_time if threads == 1 else time.perf_counter
                    value = ratio(name=name, image_set=image_set, rounds=arguments.rounds, clock=clock)
                    print(f"dissect-{name}-{threads}-thread {value:.3f} <={bound:.2f}", flush=True)


if __name__ == "__main__":
    main()
