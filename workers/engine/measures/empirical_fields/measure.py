"""Empirical receptive fields: how far around its peak an occluder still changes a unit.

docs/measures.md, Empirical receptive field.
"""

from typing import Any

import numpy as np

from workers.engine.format.artifact import field_name
from workers.engine.measures.empirical_fields.arrays import MIN_IMAGES, RECORDED, EmpiricalFieldOptions, EmpiricalFields
from workers.engine.measures.empirical_fields.empirical import (
    OcclusionOptions,
    count_images,
    encode_field,
    estimate_fields,
    plan_peaks,
)
from workers.engine.measures.measure import Completion, Measure, MeasuredLayer
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.top_images.arrays import TopImages


class EmpiricalFieldsMeasure(Measure[None, EmpiricalFields]):
    recorded = RECORDED
    stage = "occlude"

    def is_asked(self, options: DissectionOptions) -> bool:
        return options.of(EmpiricalFieldOptions).occluded_images > 0

    def complete(self, completion: Completion) -> list[EmpiricalFields]:
        return [_estimate(layer, completion) for layer in completion.layers]

    def describe(self, result: EmpiricalFields | None) -> dict[str, Any]:
        if result is None:
            return {"empirical_receptive_field": None}
        stated = {
            "mean": round(result.mean_px, 3),
            "deviation": round(result.deviation_px, 3),
            "step": OcclusionOptions.stride_px,
            "least_images": MIN_IMAGES,
            "n_units": result.n_found,
        }
        return {"empirical_receptive_field": stated}


MEASURE = EmpiricalFieldsMeasure()


def _estimate(layer: MeasuredLayer, completion: Completion) -> EmpiricalFields:
    """Estimate the layer's fields, and save each unit's averaged map as a picture."""
    n_images = completion.options.of(EmpiricalFieldOptions).occluded_images
    top = layer.result(TopImages)
    tasks = plan_peaks(top_image=top.top_image, top_location=top.top_location, n_images=n_images)
    maps, sizes = estimate_fields(
        network=completion.network,
        shape=layer.shape,
        geometry=layer.placed(completion.input_px),
        tasks=tasks,
        read_pixels=completion.pixels,
        options=OcclusionOptions(seed=completion.options.run.seed),
        progress=lambda n_done: completion.progress("occlude", n_done, len(tasks)),
    )
    pictures = [encode_field(one) for one in maps]
    for name, data in pictures:
        completion.save(field_name(name), data)
    return EmpiricalFields(
        empirical_map=maps,
        empirical_size=sizes,
        empirical_images=count_images(tasks, layer.shape.n_units).astype(np.int32),
        empirical_picture=np.array([name for name, _ in pictures], dtype="U64"),
    )
