"""Complete a dissection: from the merged tally to thresholds, labels, receptive fields, tiles and the written artifact.

[ZKLOT15] 3.2 and 3.3, [BZKOT17] 2.2 and 2.3; the measures are those of science.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from workers.engine.format.artifact import Save, field_name, write_artifact
from workers.engine.images.batches import Stopwatch
from workers.engine.images.image_set import ImageSet
from workers.engine.manifest import describe
from workers.engine.measures.crops.tiles import PixelCache, TileSource, render_tiles
from workers.engine.measures.empirical_fields.empirical import (
    EmpiricalFields,
    OcclusionOptions,
    encode_field,
    estimate_fields,
    plan_peaks,
)
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.results import LayerResult, finish_layers
from workers.engine.measures.tally import Tally
from workers.engine.networks.geometry import MapGeometry
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.receptive_field import theoretical_receptive_fields
from workers.engine.networks.saved import NO_FIELD, SAVED

StageProgress = Callable[[str, int, int], None]


class NothingMeasured(Exception):
    """Not one image of the set could be used."""


def finish(
    *, network: LoadedNetwork, image_set: ImageSet, tally: Tally, options: DissectionOptions
) -> list[LayerResult]:
    """Thresholds, ranks, masks and IoU of every layer, from the tally of the whole image set; raises
    NothingMeasured.
    """
    if len(tally.images) == 0:
        raise NothingMeasured(f"None of the {len(image_set.paths)} images could be used.")
    input_px = network.preprocessing.input_px
    paths = [layer.shape.path for layer in tally.layers]
    found: Mapping[str, MapGeometry | str] = (
        dict.fromkeys(paths, NO_FIELD)
        if network.architecture == SAVED
        else theoretical_receptive_fields(module=network.module, paths=paths, input_px=input_px)
    )
    return finish_layers(
        tally=tally,
        fields=[found[path] for path in paths],
        broden=image_set.broden,
        options=options,
        input_px=input_px,
    )


def complete(
    *,
    network: LoadedNetwork,
    image_set: ImageSet,
    tally: Tally,
    options: DissectionOptions,
    device: str,
    save: Save,
    progress: StageProgress,
) -> dict[str, Any]:
    """From the merged tally to the written artifact; returns its manifest. `progress` gets stage, number done,
    number in all.
    """
    watch = Stopwatch(dict(tally.seconds))
    since = time.perf_counter()
    progress("label", 0, len(tally.layers))
    results = finish(network=network, image_set=image_set, tally=tally, options=options)
    progress("label", len(tally.layers), len(tally.layers))
    since = watch.add("label", since)
    drawing = _Drawing(
        network=network,
        pixels=PixelCache(image_set=image_set, preprocessing=network.preprocessing),
        options=options,
        save=save,
        progress=progress,
    )
    fields = [_estimate(drawing, result) if options.occluded_images else None for result in results]
    since = watch.add("occlude", since)
    if not options.rotation:  # the units of a turned basis are counted, not shown
        _render(drawing, tally=tally, results=results, fields=fields)
    watch.add("tiles", since)
    manifest = describe(
        network=network,
        image_set=image_set,
        options=options,
        tally=tally,
        results=results,
        device=device,
        seconds=watch.seconds,
        fields=fields,
    )
    return write_artifact(
        save=save, manifest=manifest, paths=list(image_set.paths), layers=[result.arrays for result in results]
    )


@dataclass(frozen=True)
class _Drawing:
    """What occluding and cutting tiles share: decoded images, and where the results go."""

    network: LoadedNetwork
    pixels: PixelCache
    options: DissectionOptions
    save: Save
    progress: StageProgress

    @property
    def input_px(self) -> int:
        return self.network.preprocessing.input_px


def _estimate(drawing: _Drawing, result: LayerResult) -> EmpiricalFields:
    """Estimate the layer's empirical receptive fields, and save each unit's averaged map as a picture."""
    options = drawing.options
    tasks = plan_peaks(
        top_image=result.arrays["top_image"],
        top_location=result.arrays["top_location"],
        n_images=options.occluded_images,
    )
    estimated = estimate_fields(
        network=drawing.network,
        path=result.shape.path,
        geometry=result.placed(drawing.input_px),
        tasks=tasks,
        n_units=result.shape.n_units,
        read_pixels=drawing.pixels,
        options=OcclusionOptions(n_images=options.occluded_images, seed=options.seed),
        progress=lambda n_done: drawing.progress("occlude", n_done, len(tasks)),
    )
    pictures = [encode_field(one) for one in estimated.maps]
    for name, data in pictures:
        drawing.save(field_name(name), data)
    result.arrays["empirical_map"] = estimated.maps
    result.arrays["empirical_size"] = estimated.sizes
    result.arrays["empirical_picture"] = np.array([name for name, _ in pictures], dtype="U64")
    return estimated


def _render(
    drawing: _Drawing, *, tally: Tally, results: Sequence[LayerResult], fields: Sequence[EmpiricalFields | None]
) -> None:
    """Cut every layer's tiles; where its empirical receptive field is estimated, crops and disks are made by it."""
    n_units, before = sum(result.shape.n_units for result in results), 0
    for place, (result, field) in enumerate(zip(results, fields, strict=True)):
        mean_px = drawing.options.mean_empirical_px if field is None else field.mean_px
        source = TileSource(
            result=result,
            top_maps=tally.layers[place].top_maps,
            pixels=drawing.pixels,
            input_px=drawing.input_px,
            options=replace(drawing.options, mean_empirical_px=mean_px),
        )
        count = partial(_count_tiles, progress=drawing.progress, before=before, n_units=n_units)
        result.arrays.update(render_tiles(source=source, save=drawing.save, progress=count))
        before += result.shape.n_units


def _count_tiles(n_done: int, *, progress: StageProgress, before: int, n_units: int) -> None:
    progress("tiles", before + n_done, n_units)
