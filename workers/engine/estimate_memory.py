"""How much memory and disk a dissection will need, stated before its pass.

Upper limits of memory, beside what network and framework need. Fewer than n = k + 1 cells of a unit lie over its bound
once n have been seen, and each brings at most its eight neighbors; kept cells may double before they are pruned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workers.engine.drawing.crops import OUTLINE_PX
from workers.engine.format.spilling import AT_ONCE_BYTES
from workers.engine.images.batches import BATCHES_AHEAD
from workers.engine.images.decoding import DECODING_BYTES
from workers.engine.images.image_set import CACHE_BYTES, ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.measures.activation_vectors.arrays import ActivationVectorsOptions
from workers.engine.measures.compositions.arrays import CompositionsOptions
from workers.engine.measures.compositions.patterns import MAX_PATTERNS
from workers.engine.measures.crops.arrays import ASKED, CropOptions
from workers.engine.measures.exemplars.arrays import ExemplarOptions
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.thresholds.arrays import ThresholdOptions
from workers.engine.measures.thresholds.candidates import FIRST_PRUNING_CELLS, HELD_CELLS, ORDERED_CELLS
from workers.engine.measures.thresholds.thresholds import CELL_BYTES, LANDMARK_BYTES, PAIR_BYTES, RANKS, n_to_keep
from workers.engine.measures.top_images.arrays import TopImagesOptions
from workers.engine.networks.layer_maps import LayerShape

PEAK_BYTES, RUN_BYTES = 8, 6
# Of a unit's activation vectors: maxima and means.
VECTORS = 2
# A cell over the bound and its neighbors; how many times as many cells lie over a told bound as over the threshold.
NEIGHBORHOOD, TOLD_SLACK = 9, 1.25
SAMPLED_IMAGES = 16
# Of a run of labels, what is computed of it and stays in memory: its length and its column, and the same of the labels
# that are dealt out by chance, which are a copy.
RUN_WORK_BYTES = 18
# What ordering a cell takes, and finding the bound of a landmark.
ORDERING_BYTES, LANDMARK_WORK = 40, 5
# What a label under the mask of a pair takes: while they are joined in memory, and in files.
PAIR_LABEL_BYTES, PAIR_LABEL_FILE_BYTES = 20, 10
# Of a set of labels and a label: whether it holds, also as a number; of a set and a unit: pixels, also as numbers.
SET_LABEL_BYTES, SET_UNIT_BYTES = 9, 16
# Scratch of counting masks: unfolded labels, blocks of pixels, and counters of all labels.
MASK_BYTES, MASK_BYTES_OF_IMAGE = 600_000_000, 2_000_000


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of one stage, without and with spilling: at most so much memory, and about so much in temporary files;
    about so much of results in the store.
    """

    in_memory: int
    spilled: int
    files: int
    files_spilled: int
    stored: int

    def spills(self, *, limit: int) -> bool:
        """True if the stage fits into so many bytes of memory only with its arrays in files."""
        return self.in_memory > limit

    def memory(self, *, spills: bool) -> int:
        return self.spilled if spills else self.in_memory

    def disk(self, *, spills: bool) -> int:
        """Bytes of temporary files."""
        return self.files_spilled if spills else self.files


@dataclass(frozen=True)
class LayerSize:
    """A layer over the whole set: its cells of one image, and how many of them lie over the threshold, for all units;
    of one unit, the share.
    """

    shape: LayerShape
    n_keep: int

    @property
    def cells(self) -> int:
        return self.shape.n_units * self.shape.height * self.shape.width

    def kept(self, n_images: int, batch_size: int) -> int:
        """Cells that are kept of a run of images, at most."""
        most = max(2 * NEIGHBORHOOD * self.n_keep * self.shape.n_units, FIRST_PRUNING_CELLS) + batch_size * self.cells
        return min(most, n_images * self.cells)

    def pairs(self, n_images: int) -> int:
        return min(n_images, 2 * self.n_keep) * self.shape.n_units


@dataclass(frozen=True)
class Estimator:
    """Estimates the stages of one dissection; `label_bytes` are those of an image's packed labels, which are of
    `labels_of_image` kinds.
    """

    layers: Sequence[LayerSize]
    options: DissectionOptions
    n_images: int
    label_bytes: float
    labels_of_image: float
    n_labels: int
    input_px: int

    @property
    def _n_maps(self) -> int:
        return self.options.of(TopImagesOptions).n_maps

    def measure(self, *, shard_images: int) -> MemoryEstimate:
        """Of one shard; `stored` is what all shards leave until they are merged."""
        n, batch = min(shard_images, self.n_images), self.options.run.batch_size
        n_shards = -(-self.n_images // n)
        kept = sum(2 * CELL_BYTES * one.kept(n, batch) + PAIR_BYTES * one.pairs(n) for one in self.layers)
        # The maps that are held, and their copies in order.
        tops = sum(2 * 4 * self._n_maps * one.cells for one in self.layers)
        peaks = sum(2 * PEAK_BYTES * n * one.shape.n_units for one in self.layers)
        held = sum(5 * min(HELD_CELLS + batch * one.cells, n * one.cells) for one in self.layers)
        peaks += 2 * self._vectors(n) // VECTORS
        told = sum(4 * len(RANKS) * n_shards * one.shape.n_units for one in self.layers)
        work = max(
            5 * 4 * batch * max(one.cells for one in self.layers),
            ORDERING_BYTES * min(ORDERED_CELLS, max(one.kept(n, batch) for one in self.layers)),
            LANDMARK_WORK * min(LANDMARK_BYTES, kept),
            LANDMARK_WORK * 4 * len(RANKS) * n_shards * max(one.shape.n_units for one in self.layers),
        )
        ahead = (BATCHES_AHEAD + 2) * batch * 3 * self.input_px**2 + DECODING_BYTES
        resident = tops + peaks + held + told + work + ahead + round(3 * n * self.label_bytes)
        tally = kept // 2 + tops // 2 + peaks // 2 + round(n * self.label_bytes)
        return MemoryEstimate(
            in_memory=resident + kept,
            spilled=resident,
            files=tally,
            files_spilled=2 * kept + tally,
            stored=self._tallies(n),
        )

    def _tallies(self, shard_images: int) -> int:
        """About what all tallies take: a shard knows the bound of the images before it, or of its own."""
        later = np.maximum(np.arange(0, self.n_images, shard_images), shard_images)
        total = self.n_images * self.label_bytes
        for one in self.layers:
            n_cells = one.shape.height * one.shape.width
            share = np.minimum(1.0, TOLD_SLACK * NEIGHBORHOOD * one.n_keep / (later * n_cells))
            total += float(share.sum()) * shard_images * one.cells * CELL_BYTES
            total += len(later) * 4 * min(self._n_maps, shard_images) * one.cells
            total += self.n_images * one.shape.n_units * (PEAK_BYTES + PAIR_BYTES // 4)
        return round(total)

    def merge(self) -> MemoryEstimate:
        """Of joining all shards and completing; `stored` is the artifact's share that grows with its options."""
        n, wide = self.n_images, max(one.shape.n_units for one in self.layers)
        cells = sum(2 * CELL_BYTES * min(one.kept(n, 0), n * one.cells) for one in self.layers)
        cells_over = sum(CELL_BYTES * one.n_keep * one.shape.n_units for one in self.layers)
        pairs = sum(PAIR_BYTES * one.pairs(n) for one in self.layers)
        peaks = sum(PEAK_BYTES * n * one.shape.n_units for one in self.layers)
        peaks += self._vectors(n) // VECTORS
        tops = sum(4 * self._n_maps * one.cells for one in self.layers)
        labels = n * self.label_bytes
        pair_labels = round(self.labels_of_image * sum(one.pairs(n) for one in self.layers))
        spillable = cells + pairs + peaks + tops + round(labels) + PAIR_LABEL_BYTES * pair_labels
        one_unit = max(2 * CELL_BYTES * one.kept(n, 0) // one.shape.n_units + PAIR_BYTES * n for one in self.layers)
        ranking = n * (4 * wide + 64)
        crops = min(CACHE_BYTES, 3 * n * self.input_px**2) + wide * self._n_maps * OUTLINE_PX**2
        counts = 8 * 8 * self.n_labels * sum(one.shape.n_units for one in self.layers)
        masks = min(MASK_BYTES, MASK_BYTES_OF_IMAGE * n) + counts if self.n_labels else 0
        at_once = min(cells + pairs, max(2 * AT_ONCE_BYTES, one_unit))
        found = self._compositions(labels)
        work = DECODING_BYTES + max(ranking, crops, masks, found) + round(labels * RUN_WORK_BYTES / RUN_BYTES)
        of_turn = round(self.labels_of_image * 2 * AT_ONCE_BYTES / PAIR_BYTES)
        exemplars = [self._exemplars(one.shape.n_units) for one in self.layers]
        spilled = round(TOLD_SLACK * NEIGHBORHOOD * cells_over) + pairs // 4 + peaks + tops + round(labels)
        spilled += PAIR_LABEL_FILE_BYTES * min(pair_labels // 4, of_turn)
        return MemoryEstimate(
            in_memory=spillable + work,
            spilled=at_once + work,
            files=max(exemplars),
            files_spilled=spilled + max(exemplars),
            stored=sum(exemplars) + counts + self._tiles() + self._vectors(n),
        )

    def _tiles(self) -> int:
        """About what the strips of tiles take: JPEGs; or the maps from which they are cut when they are asked for."""
        if self.options.of(CropOptions).crops == ASKED:
            return sum(4 * self._n_maps * one.cells for one in self.layers)
        n_tiles = self._n_maps * sum(one.shape.n_units for one in self.layers)
        return n_tiles * self.options.of(CropOptions).tile_px ** 2 // 3

    def _vectors(self, n_images: int) -> int:
        """Maxima and means of the layers' units, two bytes each; the pass holds the means beside the peaks."""
        is_asked = self.options.of(ActivationVectorsOptions).activation_vectors
        return VECTORS * 2 * n_images * sum(one.shape.n_units for one in self.layers) * is_asked

    def _compositions(self, labels: float) -> int:
        """Labels in columns and once more as sets, which of the sets hold each label, and each unit's pixels by set."""
        if not (self.n_labels and self.options.of(CompositionsOptions).compositions):
            return 0
        n_sets = min(MAX_PATTERNS, round(labels / RUN_BYTES))
        wide = max(one.shape.n_units for one in self.layers)
        return round(2 * labels) + MASK_BYTES + n_sets * (SET_LABEL_BYTES * self.n_labels + SET_UNIT_BYTES * wide)

    def _exemplars(self, n_units: int) -> int:
        """Images and masks of a layer's exemplars, four bytes a pixel."""
        return n_units * self.options.of(ExemplarOptions).exemplars * 4 * self.input_px**2


def make_estimator(
    *, shapes: Iterable[LayerShape], image_set: ImageSet, options: DissectionOptions, input_px: int
) -> Estimator:
    """For dissecting the layers over the set; reads the label maps of a few images."""
    label_bytes, labels_of_image = _sample_labels(image_set)
    n_images, tail = len(image_set.paths), options.of(ThresholdOptions).tail
    return Estimator(
        layers=[size_layer(shape, n_images=n_images, tail=tail) for shape in shapes],
        options=options,
        n_images=n_images,
        label_bytes=label_bytes,
        labels_of_image=labels_of_image,
        n_labels=len(image_set.labels.labels) if image_set.labels else 0,
        input_px=input_px,
    )


def size_layer(shape: LayerShape, *, n_images: int, tail: float) -> LayerSize:
    return LayerSize(shape, n_to_keep(tail=tail, n_values=n_images * shape.height * shape.width))


def _sample_labels(image_set: ImageSet) -> tuple[float, float]:
    """Bytes of one image's packed labels, and of how many kinds they are: the means of some images, evenly spread."""
    if image_set.labels is None:
        return 0.0, 0.0
    found = [(0, 0)]
    for index in np.linspace(0, len(image_set.paths) - 1, SAMPLED_IMAGES).astype(int).tolist():
        try:
            labels = image_set.read_labels(index).run_label
        except LabelMapUnreadable:
            continue
        found.append((RUN_BYTES * len(labels), len(np.unique(labels))))
    n_bytes, kinds = np.mean(found[1:] or found, axis=0).tolist()
    return n_bytes, kinds
