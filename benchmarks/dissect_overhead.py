"""Cost of a whole dissection (top images, exact thresholds, `paper` IoU, labels decoded) as a multiple of the
floor.

The floor decodes the same images and runs the bare network up to the same layer, in the same batches, threads
and memory format. Both are timed in this process, in turn; prints `name value bound`, the value being the ratio of the
least seconds of the rounds: what other work on the machine adds is left out. CPU seconds with one thread, wall seconds
with two. `--labels kept` takes the labels from an earlier dissection, `--device cuda` measures on a GPU, with labels
kept and images decoded ahead in as many threads on both sides.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from benchmarks._images import benchmark_images, spread
from tests.workers.engine.options import make_options
from workers.engine import complete, dissect
from workers.engine.images.batches import ImageBatch, Stopwatch, Upload, read_ahead, read_batch
from workers.engine.images.image_set import ImageSet
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.measure import list_measures
from workers.engine.measures.options import DissectionOptions
from workers.engine.networks.hooks import reading
from workers.engine.networks.loading import LoadedNetwork, load_network, normalize

CASES = {
    "alexnet-conv5": ("torchvision:alexnet", ["features.11"], {1: 1.20, 2: 1.30}),
    "resnet18-layer4": ("torchvision:resnet18", ["layer4"], {1: 1.12, 2: 1.20}),
    "alexnet-all": (
        "torchvision:alexnet",
        ["features.1", "features.4", "features.7", "features.9", "features.11"],
        {1: 1.50},
    ),
}


GPU_BOUND = 1.20


@dataclass(frozen=True)
class Setting:
    """What floor and whole have in common; `decode_threads` 0 decodes in the thread that computes."""

    network: LoadedNetwork
    layers: list[str]
    image_set: ImageSet
    options: DissectionOptions
    device: str
    decode_threads: int


def floor(setting: Setting) -> None:
    """Decode and forward, nothing else; the images are warped as the labeled ones are."""
    network = replace(setting.network, preprocessing=replace(setting.network.preprocessing, resize="warp"))
    bare = replace(setting.image_set, labels=None)
    watch, upload = Stopwatch(), Upload(setting.device)

    def read(indices: Sequence[int]) -> ImageBatch:
        return upload.begin(
            read_batch(image_set=bare, preprocessing=network.preprocessing, indices=indices, watch=watch)
        )

    n_images, size = len(bare.paths), setting.options.run.batch_size
    batches = [range(first, min(n_images, first + size)) for first in range(0, n_images, size)]
    shapes = list(
        dissect.survey(network=network, layers=setting.layers, device=setting.device, options=setting.options).values()
    )
    with reading(module=network.module, shapes=shapes, consume=lambda path, maps: None) as run:
        for batch in read_ahead(read=read, batches=batches, threads=setting.decode_threads):
            run(normalize(pixels=upload.end(batch), preprocessing=network.preprocessing))
    if upload.device.type == "cuda":
        torch.cuda.synchronize()


def whole(setting: Setting, packed: PackedLabels | None) -> PackedLabels | None:
    tally = dissect.measure_shard(
        network=setting.network,
        layers=setting.layers,
        image_set=setting.image_set,
        options=setting.options,
        shard=dissect.Shard(0, len(setting.image_set.paths), packed=packed),
        means=dissect.Means(device=setting.device, decode_threads=setting.decode_threads),
    )
    completion = complete.prepare(
        network=setting.network, image_set=setting.image_set, tally=tally, options=setting.options,
        save=lambda name, data: None, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    for measure in list_measures():
        if measure.stage == "label":
            complete.complete_measure(measure, completion)
    return tally.labels


def ratio(*, setting: Setting, labels: str, rounds: int, clock: Callable[[], float]) -> float:
    """Whole / floor, the least seconds of each over the rounds, taken in turn in this process."""
    warming = replace(setting, image_set=spread(setting.image_set, 64))
    floor(warming)
    whole(warming, None)
    kept = whole(setting, None) if labels == "kept" else None
    acts: dict[str, Callable[[], object]] = {"floor": lambda: floor(setting), "whole": lambda: whole(setting, kept)}
    seconds: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            since = clock()
            act()
            seconds[name].append(clock() - since)
    print(f"{setting.layers}: {seconds}", file=sys.stderr, flush=True)
    return min(seconds["whole"]) / min(seconds["floor"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--threads", type=int, action="append", choices=(1, 2))
    parser.add_argument("--n-images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labels", choices=("decoded", "kept"), default="decoded")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    on_gpu = arguments.device == "cuda"
    labels = "kept" if on_gpu else arguments.labels
    with benchmark_images(arguments.n_images) as image_set:
        for threads in (os.cpu_count() or 1,) if on_gpu else arguments.threads or (1, 2):
            torch.set_num_threads(threads)
            for name in arguments.case or CASES:
                architecture, layers, bounds = CASES[name]
                bound = GPU_BOUND if on_gpu else bounds.get(threads)
                if bound is None:
                    continue
                setting = Setting(
                    network=load_network(architecture=architecture, weights=None, device=arguments.device),
                    layers=layers,
                    image_set=image_set,
                    options=make_options(),
                    device=arguments.device,
                    decode_threads=threads if on_gpu else 0,
                )
                clock = time.process_time if threads == 1 else time.perf_counter
                value = ratio(setting=setting, labels=labels, rounds=arguments.rounds, clock=clock)
                how = ("cuda" if on_gpu else f"{threads}-thread") + ("-labels-kept" if labels == "kept" else "")
                print(f"dissect-{name}-{how} {value:.3f} <={bound:.2f}", flush=True)


if __name__ == "__main__":
    main()
