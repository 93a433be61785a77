"""How well the maps of classes find labeled pixels: average precision of pixels, and pointing. docs/readouts.md, Maps.

Only photographs that hold the label count: maps are to say where it is, not whether.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.readouts.bench import Bench
from workers.engine.readouts.examples import Examples
from workers.engine.readouts.features import WARP
from workers.engine.readouts.judging import find_precision, tell_mean
from workers.engine.readouts.labeled import Flags, Labeled
from workers.engine.readouts.linear import Linear
from workers.engine.weigh import Photographs, read_images

MAPPING = "mapping the test photographs"
# Photographs of one label: their pixels are ranked together.
MAX_PER_LABEL = 400

Values = NDArray[np.float32]


def judge_pixels(bench: Bench, linear: Linear, examples: Examples) -> dict[str, Any]:
    """Means over labels, with intervals over labels; the distance to the center and chance by the same rule."""
    labeled = examples.labeled
    assert labeled is not None
    chosen = _choose(examples, labeled)
    maps = _map(bench, linear, examples, chosen)
    found: list[dict[str, Any]] = []
    for place, rows in enumerate(chosen):
        if rows:
            masks = [labeled.find_mask(examples.rows[row], examples.columns[place]) for row in rows]
            told = [(maps[row, place], mask) for row, mask in zip(rows, masks, strict=True) if mask is not None]
            found.append({"name": examples.names[place], "n_images": len(told), **_judge(told)})
    if not found:
        return {}
    names = ("pixel_ap", "pixel_ap_center", "pixel_ap_chance", "pointing", "pointing_center")
    means = {name: tell_mean([float(one[name]) for one in found]) for name in names}
    return {**means, "n_mapped_labels": len(found), "mapped": found}


def _choose(examples: Examples, labeled: Labeled) -> list[list[int]]:
    """For each class the rows of test photographs in which it has a mask."""
    chosen = []
    for place, column in enumerate(examples.columns):
        own = np.flatnonzero(examples.is_test & examples.truth[:, place])[:MAX_PER_LABEL].tolist()
        chosen.append([row for row in own if labeled.find_mask(examples.rows[row], column) is not None])
    return chosen


def _map(
    bench: Bench, linear: Linear, examples: Examples, chosen: Sequence[Sequence[int]]
) -> dict[tuple[int, int], Values]:
    """By row and class, the (h, w) map at the size of the layer."""
    wanted = sorted({row for rows in chosen for row in rows})
    labeled, found = examples.labeled, dict[tuple[int, int], Values]()
    assert labeled is not None
    photographs = Photographs(labeled.images.root, [examples.paths[row] for row in wanted], WARP)
    for batch in read_images(bench.layer.network, photographs, device=bench.layer.device):
        maps = bench.layer.see(batch.images).numpy() if batch.places else np.zeros((0, 1, 1, 1), np.float32)
        for place, one in zip(batch.places, maps, strict=True):
            row = wanted[place]
            for answer, rows in enumerate(chosen):
                if row in rows:
                    found[row, answer] = linear.take(answer).map_over(one).astype(np.float32)
        bench.progress(MAPPING, batch.n_read, len(wanted))
    return found


def _judge(told: Sequence[tuple[Values, Flags]]) -> dict[str, float]:
    grown = [_grow(class_map, mask) for class_map, mask in told]
    centers = [_distance(mask) for _, mask in told]
    truth = np.concatenate([mask.ravel() for _, mask in told])
    return {
        "pixel_ap": find_precision(np.concatenate([one.ravel() for one in grown]), truth),
        "pixel_ap_center": find_precision(np.concatenate([one.ravel() for one in centers]), truth),
        "pixel_ap_chance": float(truth.mean()),
        "pointing": float(np.mean([mask.ravel()[one.argmax()] for one, (_, mask) in zip(grown, told, strict=True)])),
        "pointing_center": float(np.mean([mask[mask.shape[0] // 2, mask.shape[1] // 2] for _, mask in told])),
    }


def _grow(class_map: Values, mask: Flags) -> Values:
    """(h, w) of the mask, bicubically between the centers of cells: both lie over the whole photograph."""
    tensor = torch.from_numpy(class_map)[None, None]
    grown = torch.nn.functional.interpolate(tensor, size=mask.shape, mode="bicubic", align_corners=False)
    return np.asarray(grown[0, 0].numpy(), np.float32)


def _distance(mask: Flags) -> NDArray[np.float64]:
    """(h, w): minus the distance to the center, in shares of either side."""
    rows, columns = (((np.arange(n) + 0.5) / n - 0.5) for n in mask.shape)
    return np.asarray(-np.hypot(rows[:, None], columns[None]), np.float64)
