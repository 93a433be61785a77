"""How much memory a dissection will need, stated before its pass.

Upper limits, beside what network, framework and one batch need. Fewer than n = k + 1 cells of a unit lie over its bound
once n have been seen, and each brings at most its eight neighbors; kept cells may double before they are pruned.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.thresholds.arrays import ThresholdOptions
from workers.engine.measures.thresholds.candidates import FIRST_PRUNING_CELLS
from workers.engine.measures.thresholds.thresholds import n_above
from workers.engine.measures.top_images.arrays import TopImagesOptions
from workers.engine.networks.hooks import LayerShape

CELL_BYTES, PEAK_BYTES, RUN_BYTES = 8, 8, 6
SAMPLED_IMAGES = 16


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes at most: of kept cells, which spill where asked, and of what stays in memory, for a run of images."""

    kept: int
    resident: int


def estimate_memory(
    *, shapes: Iterable[LayerShape], image_set: ImageSet, n_measured: int, options: DissectionOptions
) -> MemoryEstimate:
    """For measuring n_measured images of the set, or merging all of it; reads the label maps of a few images."""
    n_images, kept, resident = len(image_set.paths), 0, 0
    tail, n_maps = options.of(ThresholdOptions).tail, options.of(TopImagesOptions).n_maps
    for shape in shapes:
        n_cells = shape.height * shape.width
        n_keep = n_above(tail=tail, n_values=n_images * n_cells) + 1
        batch_cells = options.run.batch_size * shape.n_units * n_cells
        needed = max(2 * 9 * n_keep * shape.n_units, FIRST_PRUNING_CELLS) + batch_cells
        # A cell's pair adds what a cell takes: most pairs keep several.
        kept += 2 * CELL_BYTES * min(needed, n_measured * shape.n_units * n_cells)
        resident += n_measured * shape.n_units * PEAK_BYTES + n_maps * shape.n_units * n_cells * 4
    return MemoryEstimate(kept=kept + round(n_measured * _label_bytes(image_set)), resident=resident)


def _label_bytes(image_set: ImageSet) -> float:
    """Bytes of one image's packed labels: the mean of some images, evenly spread."""
    if image_set.labels is None:
        return 0.0
    sizes = [0]
    for index in np.linspace(0, len(image_set.paths) - 1, SAMPLED_IMAGES).astype(int).tolist():
        try:
            sizes.append(RUN_BYTES * len(image_set.read_labels(index).run_start))
        except LabelMapUnreadable:
            continue
    return float(np.mean(sizes[1:] or sizes))
