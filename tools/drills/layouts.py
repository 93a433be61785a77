"""The same photographs and labels in every layout of image sets: the same labels, and the same IoU of every unit."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.workers.engine.images.readers.test_layouts import measure_iou
from tools.drills._layouts import LAYOUTS, NAMES, Labeled
from workers.engine.images.readers.table import open_image_set
from workers.engine.networks.loading import load_network

N_PHOTOGRAPHS = 200
SHARED = Path(os.environ.get("UNITSCOPE_SHARED") or Path(__file__).parents[3] / "shared") / "data"
REFERENCE = "Broden 1.0 in its parent folder"


def _choose(folder: Path) -> list[Labeled]:
    """Photographs of MSRC with its five most frequent objects, which get the names that fixed lists know."""
    root = SHARED / "minibroden" / "images" / "msrc"
    maps = {file: _read(file) for file in sorted(root.glob("*_object.png"))}
    frequent = Counter(int(one) for numbers in maps.values() for one in np.unique(numbers) if one)
    places = {number: place for place, (number, _) in enumerate(frequent.most_common(len(NAMES)), start=1)}
    chosen: list[Labeled] = []
    for file, numbers in maps.items():
        photograph = file.with_name(file.name.replace("_object.png", ".jpg"))
        labels = np.zeros(numbers.shape, dtype=np.uint8)
        for number, place in places.items():
            labels[numbers == number] = place
        scale = Image.open(photograph).height // len(labels)
        if labels.any() and len(chosen) < N_PHOTOGRAPHS:
            chosen.append(Labeled(photograph, np.kron(labels, np.ones((scale, scale), dtype=np.uint8))))
    assert len(chosen) == N_PHOTOGRAPHS, f"{len(chosen)} photographs in {folder}"
    return chosen


def _read(file: Path) -> NDArray[np.int64]:
    pixels = np.asarray(Image.open(file)).astype(np.int64)
    return np.asarray(pixels[..., 0] + 256 * pixels[..., 1])


def two_hundred_photographs() -> str:
    """Each of SqueezeNet's 512 units, five labels, all layouts."""
    network = load_network(
        architecture="torchvision:squeezenet1_1", weights=SHARED / "weights" / "squeezenet1_1_imagenet.safetensors"
    )
    with tempfile.TemporaryDirectory() as folder:
        photographs, found = _choose(Path(folder)), {}
        for place, (layout, write) in enumerate(LAYOUTS.items()):
            root = Path(folder) / str(place)
            root.mkdir()
            image_set = open_image_set(root, write(root, photographs))
            assert len(image_set.paths) == N_PHOTOGRAPHS, f"{layout}: {len(image_set.paths)} photographs"
            found[layout] = measure_iou(image_set, network=network, layer="features.12")
    expected = found.pop(REFERENCE)
    most = max(float(np.abs(iou[name] - expected[name]).max()) for iou in found.values() for name in NAMES)
    assert most <= 1e-12, f"IoU differs by up to {most}"
    best = max(float(iou.max()) for iou in expected.values())
    return (
        f"{N_PHOTOGRAPHS} photographs in {len(LAYOUTS)} layouts: the IoU of 512 units with {len(NAMES)} labels (at "
        f"most {best:.3f}) differs by at most {most:.0e} from Broden's layout"
    )


DRILLS: dict[str, Callable[[], str]] = {"layouts": two_hundred_photographs}
