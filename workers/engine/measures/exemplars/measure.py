"""Exemplars: each unit's top images with its masks, in MILAN's format [HSBBTA22] (docs/measures.md, Exemplars)."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.exemplars.arrays import NAMES, RECORDED, ExemplarOptions, exemplar_name
from workers.engine.measures.measure import Completion, Measure, MeasuredLayer
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.thresholds.arrays import Thresholds
from workers.engine.measures.top_images.arrays import TopImages
from workers.engine.measures.top_images.measure import Peaks
from workers.engine.networks.geometry import plan_upsampling, upsample


class ExemplarsMeasure(Measure[None, None]):
    recorded = RECORDED
    stage = "exemplars"

    def is_asked(self, options: DissectionOptions) -> bool:
        return options.of(ExemplarOptions).exemplars > 0

    def complete(self, completion: Completion) -> list[None]:
        n_layers = len(completion.layers)
        for place, layer in enumerate(completion.layers):
            completion.progress(self.stage, place, n_layers)
            arrays: list[NDArray[Any]] = [*_gather(layer, completion), np.arange(layer.shape.n_units)]
            for name, array in zip(NAMES, arrays, strict=True):
                completion.save(exemplar_name(place, name), _pack(array))
        completion.progress(self.stage, n_layers, n_layers)
        return []


MEASURE = ExemplarsMeasure()


def _gather(layer: MeasuredLayer, completion: Completion) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(U, K, 3, px, px) images and (U, K, 1, px, px) masks: where the upsampled map exceeds the unit's threshold. Zero
    if a unit has fewer images.
    """
    px, top = completion.input_px, layer.result(TopImages).top_image
    top = top[:, : completion.options.of(ExemplarOptions).exemplars]
    maps, threshold = layer.part(Peaks).top_maps, layer.result(Thresholds).threshold
    rows, columns = plan_upsampling(
        geometry=layer.placed(px), map_shape=(layer.shape.height, layer.shape.width), out_shape=(px, px), input_px=px
    )
    images = np.zeros((*top.shape, 3, px, px), dtype=np.uint8)
    masks = np.zeros((*top.shape, 1, px, px), dtype=np.bool_)
    for unit, rank in np.argwhere(top >= 0):
        images[unit, rank] = completion.pixels(int(top[unit, rank])).transpose(2, 0, 1)
        masks[unit, rank, 0] = upsample(maps=maps[unit, rank], rows=rows, columns=columns) > threshold[unit]
    return images, masks


def _pack(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
