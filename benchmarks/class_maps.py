"""Cost of class maps beside the bare forward pass, and of `explain` once its network is open.

Five class maps of each photograph, then the same resized to the input with a box each by `paper`; `explain` of one
photograph beside a forward pass of that photograph and decoding it. Each is the least CPU seconds of the rounds, one
thread, taken in turn; prints `name value bound`. Weights are random: no weights are fetched.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from workers.engine.evidence.boxes import box_paper
from workers.engine.evidence.class_maps import grow, run_with_maps
from workers.engine.evidence.finding import find_head
from workers.engine.explain import Asked, explain
from workers.engine.images.decoding import decode_image
from workers.engine.networks.loading import LoadedNetwork, load_network, normalize

# With boxes, per network; the five maps alone, and explaining.
NETWORKS = {"torchvision:squeezenet1_1": 1.15, "unitscope:efficientnet_lite0": 1.06}
MAPS_BOUND, EXPLAIN_BOUND = 1.05, 3.0
BATCH, N_MAPS = 32, 5
SIDES = 500, 375


def least_seconds(acts: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The least CPU seconds of each act, taken in turn; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(rounds + 1):
        for name, act in acts.items():
            since = time.process_time()
            act()
            if number:
                seconds[name].append(time.process_time() - since)
    return {name: min(values) for name, values in seconds.items()}


def measure(network: LoadedNetwork, photograph: Path, rounds: int) -> dict[str, float]:
    """Ratios to the forward pass: `maps`, `boxes`, and `explain` to the pass of one photograph with decoding."""
    head, preprocessing = find_head(network), network.preprocessing
    px = preprocessing.input_px
    images = torch.randn(BATCH, 3, px, px, generator=torch.Generator().manual_seed(0))

    def forward() -> None:
        with torch.inference_mode():
            network.module(images)

    def maps() -> torch.Tensor:
        seen = run_with_maps(module=network.module, shape=head.shape, images=images)
        return head.map_classes(seen.maps, seen.scores.topk(N_MAPS, dim=1).indices)

    def boxes() -> None:
        for grown in grow(maps(), px):
            for one in grown:
                box_paper(one)

    def decode_and_run() -> None:
        pixels = decode_image(
            photograph, input_px=px, resize=preprocessing.resize, interpolation=preprocessing.interpolation
        )
        with torch.inference_mode():
            network.module(normalize(pixels=torch.from_numpy(pixels[None]), preprocessing=preprocessing))

    def answer() -> None:
        explain(network=network, path=photograph, asked=Asked(), device="cpu")

    found = least_seconds({"forward": forward, "maps": maps, "boxes": boxes}, rounds)
    one = least_seconds({"floor": decode_and_run, "explain": answer}, 4 * rounds)
    return {
        "maps": found["maps"] / found["forward"],
        "boxes": found["boxes"] / found["forward"],
        "explain": one["explain"] / one["floor"],
    }


def make_photograph(path: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(SIDES, Image.Resampling.BICUBIC).save(path, quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        photograph = Path(folder) / "photograph.jpg"
        make_photograph(photograph)
        for architecture, boxes_bound in NETWORKS.items():
            network = load_network(architecture=architecture, weights=None)
            found = measure(network, photograph, given.rounds)
            name = architecture.partition(":")[2]
            print(f"class-maps-{name} {found['maps']:.3f} <={MAPS_BOUND:.2f}", flush=True)
            print(f"class-maps-with-boxes-{name} {found['boxes']:.3f} <={boxes_bound:.2f}", flush=True)
            print(f"explain-{name} {found['explain']:.2f} <={EXPLAIN_BOUND:.2f}", flush=True)


if __name__ == "__main__":
    main()
