"""What crops cost: the time of one core per unit, and a whole dissection with its crops as a multiple of the floor.

SqueezeNet features.12, 512 units of 69 tiles each. The floor decodes the images and runs the bare network up to the
layer (dissect_overhead.py); the whole dissection measures, labels, cuts all crops and writes the artifact to memory.
CPU seconds of one thread, least of the rounds, taken in turn. Prints `name value bound`.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from benchmarks._images import benchmark_images
from benchmarks.dissect_overhead import Setting, floor
from tests.workers.engine.options import make_options
from workers.engine import complete, dissect
from workers.engine.measures.measure import list_measures
from workers.engine.measures.tally import Tally
from workers.engine.networks.loading import load_network

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
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    taken: dict[str, list[float]] = {"floor": [], "whole": [], "tiles": []}
    with benchmark_images(arguments.n_images) as image_set:
        setting = Setting(
            network=load_network(architecture=ARCHITECTURE, weights=None),
            layers=[LAYER],
            image_set=image_set,
            options=make_options(),
            device="cpu",
            decode_threads=0,
        )
        for _ in range(arguments.rounds):
            since = time.process_time()
            floor(setting)
            taken["floor"].append(time.process_time() - since)
            since = time.process_time()
            tally = measure(setting)
            cut_all(setting, tally)
            taken["whole"].append(time.process_time() - since)
            taken["tiles"].append(_time_tiles(setting, tally))
    print(taken, file=sys.stderr, flush=True)
    print(f"crop-milliseconds-per-unit {1000 * min(taken['tiles']) / N_UNITS:.1f} <=30")
    print(f"dissect-with-crops-1-thread {min(taken['whole']) / min(taken['floor']):.3f} <=1.60")


def _time_tiles(setting: Setting, tally: Tally) -> float:
    """CPU seconds of the crops alone, images decoded once more."""
    completion = complete.prepare(
        network=setting.network, image_set=setting.image_set, tally=tally, options=setting.options,
        save=lambda name, data: None, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    for one in list_measures():
        if one.recorded.name == "top_images":
            complete.complete_measure(one, completion)
        if one.stage == "tiles":
            since = time.process_time()
            complete.complete_measure(one, completion)
            return time.process_time() - since
    raise RuntimeError("No measure cuts crops.")


if __name__ == "__main__":
    main()
