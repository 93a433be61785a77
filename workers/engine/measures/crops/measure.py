"""Crops: each unit's strip of tiles (docs/measures.md, Crops and tiles)."""

from functools import partial

from workers.engine.drawing.segments import SegmentSource
from workers.engine.format.artifact import maps_name, pack_arrays
from workers.engine.measures.crops.arrays import ASKED, RECORDED, CropOptions, Crops
from workers.engine.measures.crops.parts import divide, store_part
from workers.engine.measures.crops.tiles import TileSource, render_tiles
from workers.engine.measures.empirical_fields.arrays import EmpiricalFields
from workers.engine.measures.measure import Completion, Measure, MeasuredLayer
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.rotation.arrays import RotationOptions
from workers.engine.measures.top_images.arrays import TopImages, TopImagesOptions
from workers.engine.measures.top_images.measure import Peaks


class CropsMeasure(Measure[None, Crops]):
    recorded = RECORDED
    stage = "tiles"

    def is_asked(self, options: DissectionOptions) -> bool:
        """The units of a turned basis or of random weights are counted, not shown."""
        return options.of(RotationOptions).rotation == 0 and not options.run.random_weights

    def complete(self, completion: Completion) -> list[Crops]:
        """If parts are kept to be cut elsewhere, there are no results."""
        n_units, before, results = sum(layer.shape.n_units for layer in completion.layers), 0, []
        is_later = completion.options.of(CropOptions).crops == ASKED
        for place, layer in enumerate(completion.layers):
            show = partial(_show, completion=completion, before=before, n_units=n_units)
            source = _make_source(layer, completion)
            if completion.keep_part is not None and not is_later:
                for part in divide(source, place=place):
                    completion.keep_part(part.n_units, store_part(part))
                continue
            if is_later:
                completion.save(maps_name(place), pack_arrays({"top_maps": source.top_maps}))
            results.append(render_tiles(source=source, save=completion.save, progress=show, is_later=is_later))
            before += layer.shape.n_units
        return results


MEASURE = CropsMeasure()


def _make_source(layer: MeasuredLayer, completion: Completion) -> TileSource:
    """If the layer's empirical receptive field is estimated, crops and disks are made by it."""
    asked, field = completion.options.of(CropOptions), layer.find(EmpiricalFields)
    return TileSource(
        top=layer.result(TopImages),
        top_maps=layer.part(Peaks).top_maps,
        segment=SegmentSource(
            way=asked.segment,
            geometry=layer.placed(completion.input_px),
            mean_empirical_px=asked.mean_empirical_px if field is None else field.mean_px,
        ),
        pixels=completion.pixels,
        input_px=completion.input_px,
        n_images=completion.options.of(TopImagesOptions),
        tile_px=asked.tile_px,
        seed=completion.options.run.seed,
        dimming=asked.dimming,
    )


def _show(n_done: int, *, completion: Completion, before: int, n_units: int) -> None:
    completion.progress("tiles", before + n_done, n_units)
