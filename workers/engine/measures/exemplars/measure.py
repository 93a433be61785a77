"""Exemplars: each unit's top images with its masks, in MILAN's format [HSBBTA22] (docs/measures.md, Exemplars)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.saved_rows import Rows, save_rows
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
        n_layers, px = len(completion.layers), completion.input_px
        for place, layer in enumerate(completion.layers):
            completion.progress(self.stage, place, n_layers)
            pictures, masks, units = (exemplar_name(place, name) for name in NAMES)
            top = layer.result(TopImages).top_image[:, : completion.options.of(ExemplarOptions).exemplars]
            _save(completion, pictures, Rows((*top.shape, 3, px, px), np.uint8, _read_pictures(top, completion)))
            _save(completion, masks, Rows((*top.shape, 1, px, px), np.bool_, _find_masks(top, layer, completion)))
            _save(completion, units, Rows((len(top),), np.int64, iter(np.arange(len(top)))))
        completion.progress(self.stage, n_layers, n_layers)
        return []


MEASURE = ExemplarsMeasure()


def _read_pictures(top: NDArray[np.int32], completion: Completion) -> Iterator[NDArray[np.uint8]]:
    """(3, px, px) each of the (U, K) images; zero if a unit has fewer."""
    nothing = np.zeros((3, completion.input_px, completion.input_px), dtype=np.uint8)
    for image in top.ravel().tolist():
        yield completion.pixels(image).transpose(2, 0, 1) if image >= 0 else nothing


def _find_masks(top: NDArray[np.int32], layer: MeasuredLayer, completion: Completion) -> Iterator[NDArray[np.bool_]]:
    """(px, px) for each of the (U, K) images, where the upsampled map exceeds the unit's threshold."""
    px = completion.input_px
    maps, threshold = layer.part(Peaks).top_maps, layer.result(Thresholds).threshold
    rows, columns = plan_upsampling(
        geometry=layer.placed(px), map_shape=(layer.shape.height, layer.shape.width), out_shape=(px, px), input_px=px
    )
    for (unit, rank), image in np.ndenumerate(top):
        map_ = upsample(maps=maps[unit, rank], rows=rows, columns=columns)
        yield (map_ > threshold[unit]) if image >= 0 else np.zeros((px, px), dtype=np.bool_)


def _save(completion: Completion, name: str, rows: Rows) -> None:
    save_rows(name, rows, save=completion.save, spill=completion.spill)
