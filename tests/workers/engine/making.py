"""Makes image sets in Broden's layout and tiny networks for the engine's tests; everything is seeded."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import nn

from workers.engine import complete
from workers.engine.images.image_set import ImageSet
from workers.engine.measures.measure import MeasuredLayer, list_measures
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.tally import Tally
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing

INPUT_PX = 32
LABEL_PX = 16
CATEGORIES = ("color", "object", "part", "texture")
# number: (name, {category: coverage}); 3 is an object and a part, more of it a part; 6's coverages tie, so the later
# category wins.
LABELS = {
    1: ("red-c", {"color": 3.0}),
    2: ("blue-c", {"color": 2.0}),
    3: ("wheel", {"object": 1.0, "part": 2.5}),
    4: ("car", {"object": 4.0}),
    5: ("door", {"part": 1.0}),
    6: ("mesh", {"object": 1.5, "texture": 1.5}),
    8: ("banded", {"texture": 2.0}),
}


def write_label_map(path: Path, numbers: np.ndarray) -> None:
    wide = numbers.astype(np.int64)
    rgb = np.stack([wide % 256, wide // 256, np.zeros_like(wide)], axis=-1).astype(np.uint8)
    Image.fromarray(rgb).save(path)


def blobs(rng: Generator, numbers: list[int], px: int) -> np.ndarray:
    """A label map of a few random rectangles over background."""
    result = np.zeros((px, px), dtype=np.int64)
    for _ in range(4):
        top, left = rng.integers(0, px - 3, 2)
        height, width = rng.integers(3, px, 2)
        result[top : top + height, left : left + width] = rng.choice(numbers)
    return result


def write_tables(root: Path, labels: dict[int, tuple[str, dict[str, float]]] = LABELS) -> None:
    with (root / "category.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["name", "first", "last", "count", "frequency"], *([c, 1, 9, 9, 9] for c in CATEGORIES)]
        )
    rows = [[n, name, ";".join(f"{c}(1)" for c in own), 1, sum(own.values()), ""] for n, (name, own) in labels.items()]
    with (root / "label.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["number", "name", "category", "frequency", "coverage", "syns"], *rows])
    for category in CATEGORIES:
        own = [(n, name, cover[category]) for n, (name, cover) in labels.items() if category in cover]
        with (root / f"c_{category}.csv").open("w", newline="") as file:
            lines = [[code, n, name, 1, coverage] for code, (n, name, coverage) in enumerate(own, 1)]
            csv.writer(file).writerows([["code", "number", "name", "frequency", "coverage"], *lines])


def write_index(root: Path, rows: list[dict[str, object]]) -> None:
    with (root / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["image", "split", "ih", "iw", "sh", "sw", *CATEGORIES], restval="")
        writer.writeheader()
        writer.writerows(rows)


def make_broden(root: Path, *, rng: Generator, n_images: int, label_px: int = LABEL_PX) -> None:
    """Images of smooth noise; maps that overlap between categories, two maps in one cell, whole-image labels, also
    label 0.
    """
    (root / "images").mkdir(parents=True)
    write_tables(root)
    rows: list[dict[str, object]] = []
    for i in range(n_images):
        coarse = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((INPUT_PX, INPUT_PX), Image.Resampling.BICUBIC)
        picture.save(root / "images" / f"{i:03}.png")
        cells = {"color": blobs(rng, [1, 2], label_px), "object": blobs(rng, [3, 4, 6], label_px)}
        row: dict[str, object] = {"image": f"{i:03}.png", "split": "train", "ih": INPUT_PX, "iw": INPUT_PX}
        row |= {"sh": label_px, "sw": label_px}
        for category, numbers in cells.items():
            if rng.random() < 0.8:
                write_label_map(root / "images" / f"{i:03}_{category}.png", numbers)
                row[category] = f"{i:03}_{category}.png"
        if rng.random() < 0.6:
            names = [f"{i:03}_part_{j}.png" for j in range(2)]
            for name in names:
                write_label_map(root / "images" / name, blobs(rng, [3, 5], label_px))
            row["part"] = ";".join(names)
        row["texture"] = rng.choice(["", "8", "0", "6"])
        rows.append(row)
    write_index(root, rows)


def tiny_module(*, n_units: int = 5, relu: bool = True) -> nn.Sequential:
    """Two convolutions and a pooling: 32 px to 7 x 7 cells."""
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(6, n_units, 3, padding=1),
        nn.ReLU(inplace=True) if relu else nn.Identity(),
    )
    module.preprocessing = Preprocessing(input_px=INPUT_PX)  # type: ignore[assignment]
    return module


def tiny_network(*, seed: int = 0, n_units: int = 5, relu: bool = True) -> LoadedNetwork:
    """tiny_module with weights drawn by the seed."""
    torch.manual_seed(seed)
    module = tiny_module(n_units=n_units, relu=relu)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return LoadedNetwork(
        architecture="tests:tiny",
        module=module.eval(),
        preprocessing=Preprocessing(input_px=INPUT_PX),
        weights_sha256="",
    )


def finish(
    *, network: LoadedNetwork, image_set: ImageSet, tally: Tally, options: DissectionOptions
) -> list[MeasuredLayer]:
    """The layers with the results that need no pictures: top images, thresholds, IoU."""
    completion = complete.prepare(
        network=network, image_set=image_set, tally=tally, options=options,
        save=lambda name, data: None, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    for measure in list_measures():
        if measure.stage == "label":
            complete.complete_measure(measure, completion)
    return list(completion.layers)


def headed_module() -> nn.Sequential:
    """Six units of layer 1, pooled, make the scores of ten classes."""
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10)
    )
    module.preprocessing = Preprocessing(input_px=INPUT_PX)  # type: ignore[assignment]
    return module


def headless_module() -> nn.Sequential:
    """Another layer stands between the pool and the last one."""
    hidden = [nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 10)]
    module = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *hidden)
    module.preprocessing = Preprocessing(input_px=INPUT_PX)  # type: ignore[assignment]
    return module
