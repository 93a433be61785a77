"""Compositions: the formula of up to three labels that fits each unit's mask best (docs/measures.md, Compositions)."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.compositions.arrays import RECORDED, Compositions, CompositionsOptions
from workers.engine.measures.compositions.patterns import Patterns, find_patterns
from workers.engine.measures.compositions.search import MAX_LENGTH, find_formula
from workers.engine.measures.iou.masks import MaskTask, resolve_masks
from workers.engine.measures.measure import Completion, Measure, MeasuredLayer
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.thresholds.arrays import Thresholds
from workers.engine.measures.thresholds.measure import Candidates
from workers.engine.measures.thresholds.thresholds import unit_runs


class CompositionsMeasure(Measure[None, Compositions]):
    recorded = RECORDED
    stage = "compositions"

    def is_asked(self, options: DissectionOptions) -> bool:
        return options.of(CompositionsOptions).compositions

    def complete(self, completion: Completion) -> list[Compositions]:
        """Nothing if the images carry no labels, or these overlap in more ways than can be numbered."""
        if completion.image_set.labels is None or completion.labels is None:
            return []
        patterns = find_patterns(completion.labels, completion.image_set.labels)
        if patterns is None:
            return []
        numbers = np.array([label.number for label in completion.image_set.labels.labels], dtype=np.int32)
        found = []
        for place, layer in enumerate(completion.layers):
            completion.progress(self.stage, place, len(completion.layers))
            found.append(_search(layer, patterns, numbers, completion))
        completion.progress(self.stage, len(completion.layers), len(completion.layers))
        return found


MEASURE = CompositionsMeasure()


def _search(
    layer: MeasuredLayer, patterns: Patterns, numbers: NDArray[np.int32], completion: Completion
) -> Compositions:
    n_units = layer.shape.n_units
    composed = Compositions(
        np.zeros((n_units, MAX_LENGTH), np.int32), np.zeros((n_units, MAX_LENGTH - 1), np.int8), np.zeros(n_units)
    )
    overall = patterns.labels.truth(n_numbers=patterns.table.n_numbers, once=True)[0][1:].astype(np.float64)
    candidates = layer.part(Candidates)
    for units in unit_runs(candidates.bytes_of_units(completion.spill), at_once=completion.spill.at_once):
        task = MaskTask(
            map_shape=(layer.shape.height, layer.shape.width),
            geometry=layer.placed(completion.input_px),
            input_px=completion.input_px,
            maps=candidates.of_units(units).cells,
            thresholds=layer.result(Thresholds).threshold[units.start : units.stop],
        )
        ((masks,),) = resolve_masks(tasks=[task], labelings=[patterns.labels], index=patterns.table)
        areas = np.bincount(task.maps.unit, weights=masks.pair_area, minlength=len(units))
        for unit, inside, area in zip(units, masks.intersection.astype(np.float64), areas.tolist(), strict=True):
            formula = find_formula(inside, overall, patterns.holds, area=area)
            if formula is not None:
                composed.composed_labels[unit, : len(formula.columns)] = numbers[list(formula.columns)]
                composed.composed_joints[unit, : len(formula.joints)] = np.array(formula.joints, dtype=np.int8) + 1
                composed.composed_iou[unit] = formula.iou
    return composed
