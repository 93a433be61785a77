"""What crops cost: the time of one core per unit, and a whole dissection with its crops as a multiple of the floor.

SqueezeNet features.12, 512 units of 69 tiles each. The floor decodes the images and runs the bare network up to the
layer (dissect_overhead.py); the whole dissection measures, labels, cuts all crops and writes the artifact to memory.
CPU seconds of one thread, or with `--threads 2` seconds of the wall, least of the rounds, taken in turn. The floor is a
plain loop in a process of its own, which has its memory from the system as PyTorch does without us. The dissection
keeps its memory (kept_memory.py); `against-floor-in-kept-memory` is its ratio to a floor that does so too. Two
processes cut the parts of the layer that one cuts, in seconds of the wall. What is read of the wall needs two idle
cores. Prints `name value bound`, `-` where there is no bound.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from dataclasses import replace
from typing import Any

import torch

from benchmarks._images import PHOTOGRAPHS, benchmark_images
from benchmarks.dissect_overhead import Setting, floor
from tests.workers.engine.options import make_options
from workers.engine import complete, dissect
from workers.engine.format.artifact import Arrays
from workers.engine.images.image_set import PixelCache
from workers.engine.kept_memory import keeping_memory
from workers.engine.measures.crops.parts import cut_part, load_part
from workers.engine.measures.measure import Completion, Measure, list_measures
from workers.engine.measures.tally import Tally
from workers.engine.networks.loading import load_network

# Trained ones lie beside the checkout; with random ones two of three segments are the whole photograph.
WEIGHTS = PHOTOGRAPHS.parent / "weights" / "squeezenet1_1_imagenet.safetensors"
ARCHITECTURE, LAYER, N_UNITS = "torchvision:squeezenet1_1", "features.12", 512


def measure(setting: Setting) -> Tally:
    return dissect.measure_shard(
        network=setting.network,
        layers=setting.layers,
        image_set=setting.image_set,
        options=setting.options,
        shard=dissect.Shard(0, len(setting.image_set.paths)),
        means=dissect.Means(decode_threads=0),
    )


def cut_all(setting: Setting, tally: Tally) -> None:
    stored: dict[str, object] = {}
    complete.complete(
        network=setting.network, image_set=setting.image_set, tally=tally, options=setting.options, device="cpu",
        save=stored.__setitem__, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, choices=(1, 2), default=1)
    parser.add_argument("--only-processes", action="store_true", help="two processes beside one, and nothing else")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with benchmark_images(arguments.n_images) as image_set:
        setting = Setting(
            network=load_network(architecture=ARCHITECTURE, weights=WEIGHTS if WEIGHTS.exists() else None),
            layers=[LAYER],
            image_set=image_set,
            options=make_options(),
            device="cpu",
            decode_threads=0,
        )
        if not arguments.only_processes:
            _compare_with_floor(setting, arguments.rounds, arguments.threads)
            torch.set_num_threads(1)
        _compare_processes(setting, arguments.rounds)


def _compare_with_floor(setting: Setting, rounds: int, threads: int) -> None:
    taken: dict[str, list[float]] = {"floor": [], "kept": [], "whole": [], "tiles": []}
    with multiprocessing.get_context("fork").Pool(1, _begin, (setting, threads)) as plain:
        # Not before the fork: threads of this process would be missing in the other.
        torch.set_num_threads(threads)
        for _ in range(rounds):
            taken["floor"].append(plain.apply(_time_floor))
            since = _read_clock()
            with keeping_memory():
                floor(setting)
            taken["kept"].append(_read_clock() - since)
            since = _read_clock()
            tally = measure(setting)
            cut_all(setting, tally)
            taken["whole"].append(_read_clock() - since)
            taken["tiles"].append(_time_tiles(setting, tally))
    print(taken, file=sys.stderr, flush=True)
    print(f"crop-milliseconds-per-unit {1000 * min(taken['tiles']) / N_UNITS:.1f} <=30")
    print(f"dissect-with-crops-{threads}-thread {min(taken['whole']) / min(taken['floor']):.3f} <=1.60")
    print(f"against-floor-in-kept-memory {min(taken['whole']) / min(taken['kept']):.3f} -", flush=True)


def _time_floor() -> float:
    since = _read_clock()
    floor(_settings[0])
    return _read_clock() - since


def _read_clock() -> float:
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def _time_tiles(setting: Setting, tally: Tally) -> float:
    """CPU seconds of the crops alone, images decoded once more."""
    crops, completion = _prepare_crops(setting, tally)
    since = time.process_time()
    complete.complete_measure(crops, completion)
    return time.process_time() - since


def _prepare_crops(setting: Setting, tally: Tally) -> tuple[Measure[Any, Any], Completion]:
    """The measure that cuts crops, and what it is completed from."""
    completion = complete.prepare(
        network=setting.network, image_set=setting.image_set, tally=tally, options=setting.options,
        save=lambda name, data: None, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    measures = {one.recorded.name: one for one in list_measures()}
    complete.complete_measure(measures["top_images"], completion)
    return measures["crops"], completion


def _compare_processes(setting: Setting, rounds: int) -> None:
    """The parts that the `gpu` queue hands out, cut by one process and by two that have run before."""
    parts: list[Arrays] = []
    crops, completion = _prepare_crops(setting, measure(setting))
    crops.complete(replace(completion, keep_part=lambda n_units, arrays: parts.append(arrays)))
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for n, own in seconds.items():
            with multiprocessing.get_context("fork").Pool(n, _begin, (setting,)) as pool:
                pool.map(_cut, parts[:n], chunksize=1)
                since = time.perf_counter()
                pool.map(_cut, parts, chunksize=1)
                own.append(time.perf_counter() - since)
    print(seconds, file=sys.stderr, flush=True)
    print(f"one-process-to-two {min(seconds[1]) / min(seconds[2]):.2f} >=1.70", flush=True)


# What a process of a pool works on.
_settings: list[Setting] = []
_pixels: list[PixelCache] = []


def _begin(setting: Setting, threads: int = 1) -> None:
    torch.set_num_threads(threads)
    _settings.append(setting)
    _pixels.append(PixelCache(image_set=setting.image_set, preprocessing=setting.network.preprocessing))


def _cut(arrays: Arrays) -> None:
    cut_part(load_part(arrays, pixels=_pixels[0]), save=lambda name, data: None, progress=lambda n_done: None)


if __name__ == "__main__":
    main()
