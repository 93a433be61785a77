"""Empirical receptive fields by the cone against whole forward passes: how many times as fast, AlexNet, one
central peak an image.

The naive side is 5,329 passes up to the layer an image (227 px, 11 px occluder, stride 3), timed on a part of
them in batches; both sides in CPU seconds of this process, one thread. The last line is for ten peaks on one
image. Prints `name value bound`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import torch

from workers.engine.measures.empirical_fields import empirical
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork, load_network
from workers.engine.networks.probing import probe_layers

LAYERS = {
    "conv1": ("features.1", 500),
    "conv2": ("features.4", 500),
    "conv3": ("features.7", 80),
    "conv4": ("features.9", 35),
    "conv5": ("features.11", 18),
}
NAIVE_SAMPLE = 160
INPUT_PX = 227


def main() -> None:
    torch.set_num_threads(1)
    network = load_network(architecture="torchvision:alexnet", weights=None)
    network = replace(network, preprocessing=replace(network.preprocessing, input_px=INPUT_PX))
    torch.manual_seed(0)
    image = torch.randn(1, 3, INPUT_PX, INPUT_PX).to(memory_format=torch.channels_last)
    for name, (path, bound) in LAYERS.items():
        shape = probe_layers(module=network.module, paths=[path], input_px=INPUT_PX)[path]
        peaks = [(shape.height // 2, shape.width // 2)]
        print(f"empirical-{name} {speedup(network, shape, image, peaks):.0f} >={bound}", flush=True)
    generator = torch.Generator().manual_seed(1)
    places = torch.randperm(shape.height * shape.width, generator=generator)[:10].tolist()
    crowded = [divmod(place, shape.width) for place in places]
    print(f"empirical-conv5-ten-peaks {speedup(network, shape, image, crowded):.1f} >=6", flush=True)


def speedup(network: LoadedNetwork, shape: LayerShape, image: torch.Tensor, peaks: list[tuple[int, int]]) -> float:
    occluders = empirical.make_occluders(network=network, options=empirical.OcclusionOptions())
    asked: dict[str, Any] = {"network": network, "shape": shape, "image": image, "peaks": peaks}
    steps = empirical.find_steps(network=network, shape=shape, image=image)
    empirical.peak_changes(**asked, occluders=occluders, steps=steps)
    since = time.process_time()
    empirical.peak_changes(**asked, occluders=occluders, steps=steps)
    cone = time.process_time() - since
    part = torch.linspace(0, len(occluders.rows) - 1, NAIVE_SAMPLE).long()
    some = replace(
        occluders, patches=occluders.patches[part], rows=occluders.rows[part], columns=occluders.columns[part]
    )
    since = time.process_time()
    empirical.naive_changes(**asked, occluders=some)
    naive = (time.process_time() - since) * len(occluders.rows) / NAIVE_SAMPLE
    return naive / cone


if __name__ == "__main__":
    main()
