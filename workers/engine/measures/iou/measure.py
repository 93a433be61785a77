"""IoU: how far each unit's mask and each label lie on the same pixels (docs/measures.md, IoU)."""

from typing import Any

from workers.engine.measures.iou.arrays import RECORDED, IoU, IoUOptions
from workers.engine.measures.iou.iou import count_modes
from workers.engine.measures.iou.masks import MaskTask
from workers.engine.measures.measure import Completion, Measure, MeasuredLayer
from workers.engine.measures.thresholds.arrays import Thresholds
from workers.engine.measures.thresholds.measure import Candidates


class IoUMeasure(Measure[None, IoU]):
    recorded = RECORDED

    def complete(self, completion: Completion) -> list[IoU]:
        """All layers together, so that labels are unfolded once. Nothing if the images carry no labels."""
        if completion.image_set.labels is None or completion.labels is None:
            return []
        counted = count_modes(
            modes=completion.options.of(IoUOptions).iou_modes,
            tasks=[_make_task(layer, completion.input_px) for layer in completion.layers],
            labels=completion.labels,
            index=completion.image_set.labels,
        )
        return [IoU(**modes) for modes in counted]

    def describe(self, result: IoU | None) -> dict[str, Any]:
        modes = result.modes if result is not None else {}
        return {"detectors": {mode: counts.count_detectors() for mode, counts in modes.items()}}


MEASURE = IoUMeasure()


def _make_task(layer: MeasuredLayer, input_px: int) -> MaskTask:
    return MaskTask(
        map_shape=(layer.shape.height, layer.shape.width),
        geometry=layer.placed(input_px),
        input_px=input_px,
        maps=layer.part(Candidates).cells,
        thresholds=layer.result(Thresholds).threshold,
    )
