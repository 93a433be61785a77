"""IoU: how far each unit's mask and each label lie on the same pixels (docs/measures.md, IoU)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workers.engine.format.spilling import Spill
from workers.engine.measures.iou.arrays import RECORDED, IoU, IoUOptions, ModeCounts
from workers.engine.measures.iou.intervals import Counted, deal_into_bins, state_ranges
from workers.engine.measures.iou.iou import Beside, count_modes
from workers.engine.measures.iou.masks import MaskTask
from workers.engine.measures.measure import Completion, Measure, MeasuredLayer
from workers.engine.measures.thresholds.arrays import Thresholds
from workers.engine.measures.thresholds.measure import Candidates
from workers.engine.measures.thresholds.thresholds import unit_runs
from workers.engine.resampling import derange

BY_UNIT = (
    "intersection", "area", "best_label", "best_iou", "iou_low", "iou_high", "shuffled_label", "shuffled_iou",
)  # fmt: skip


class IoUMeasure(Measure[None, IoU]):
    recorded = RECORDED

    def complete(self, completion: Completion) -> list[IoU]:
        """All layers together, so that labels are unfolded once. Nothing if the images carry no labels."""
        if completion.image_set.labels is None or completion.labels is None:
            return []
        asked, labels, index = completion.options.of(IoUOptions), completion.labels, completion.image_set.labels
        n_images = len(labels.images)
        bins, order = deal_into_bins(n_images), None
        # A single image has no other one's labels.
        if asked.chance and n_images > 1:
            order = derange(n=n_images, seed=completion.options.run.seed)
        runs = [run for place, layer in enumerate(completion.layers) for run in _cut(place, layer, completion.spill)]
        counted: list[list[dict[str, Counted]]] = [[] for _ in completion.layers]
        for some in _in_turns(runs, at_once=completion.spill.at_once):
            tasks = [_make_task(run, completion.input_px) for run in some]
            beside = Beside(bin_of_image=bins, order=order, spill=completion.spill)
            modes = count_modes(modes=asked.iou_modes, tasks=tasks, labels=labels, index=index, beside=beside)
            for run, found in zip(some, modes, strict=True):
                counted[run.place].append(found)
        return [IoU(**{mode: _join([run[mode] for run in runs]) for mode in asked.iou_modes}) for runs in counted]

    def describe(self, result: IoU | None) -> dict[str, Any]:
        modes = result.modes if result is not None else {}
        return {"detectors": {mode: counts.count_detectors() for mode, counts in modes.items()}}


MEASURE = IoUMeasure()


@dataclass(frozen=True)
class _Run:
    """A run of the units of the layer at that place."""

    place: int
    layer: MeasuredLayer
    units: range
    n_bytes: int


def _cut(place: int, layer: MeasuredLayer, spill: Spill) -> list[_Run]:
    taken = layer.part(Candidates).bytes_of_units(spill)
    runs = unit_runs(taken, at_once=spill.at_once)
    return [_Run(place, layer, units, int(taken[units.start : units.stop].sum())) for units in runs]


def _in_turns(runs: list[_Run], *, at_once: int) -> Iterator[list[_Run]]:
    """The runs whose cells are in memory at the same time. The fewer turns, the less often labels are unfolded."""
    some: list[_Run] = []
    for run in runs:
        if some and sum(one.n_bytes for one in some) + run.n_bytes > at_once:
            yield some
            some = []
        some.append(run)
    yield some


def _join(runs: Sequence[Counted]) -> ModeCounts:
    """The counts of runs of units, one after the other."""
    by_unit = [name for name in BY_UNIT if getattr(runs[0].counts, name) is not None]
    joined = {name: np.concatenate([getattr(run.counts, name) for run in runs]) for name in by_unit}
    return state_ranges(replace(runs[0].counts, **joined), [run.draws for run in runs if run.draws is not None])


def _make_task(run: _Run, input_px: int) -> MaskTask:
    shape = run.layer.shape
    return MaskTask(
        map_shape=(shape.height, shape.width),
        geometry=run.layer.placed(input_px),
        input_px=input_px,
        maps=run.layer.part(Candidates).of_units(run.units).cells,
        thresholds=run.layer.result(Thresholds).threshold[run.units.start : run.units.stop],
    )
