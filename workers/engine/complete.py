"""Complete a dissection: from the merged tally to what each measure makes of it, and the written artifact.

[ZKLOT15] 3.2 and 3.3, [BZKOT17] 2.2 and 2.3; docs/measures.md says what each measure is.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from workers.engine.format.artifact import Arrays, Save, write_artifact
from workers.engine.images.batches import Stopwatch
from workers.engine.images.image_set import ImageSet, PixelCache
from workers.engine.manifest import describe
from workers.engine.measures.crops.parts import CutPart, join_cuts
from workers.engine.measures.measure import Completion, Measure, MeasuredLayer, StageProgress, list_measures
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.recorded import to_arrays
from workers.engine.measures.tally import Tally
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.receptive_field import Placing, find_placings
from workers.engine.networks.saved import SAVED
from workers.engine.plurals import say_count


class NothingMeasured(Exception):
    """Not one image of the set could be used."""


@dataclass(frozen=True)
class Draft:
    """An artifact that is not yet written: its manifest without the hash, the images' paths, each layer's arrays."""

    manifest: dict[str, Any]
    paths: list[str]
    layers: list[Arrays]

    def write(self, save: Save) -> dict[str, Any]:
        """The manifest with its hash."""
        return write_artifact(save=save, manifest=self.manifest, paths=self.paths, layers=self.layers)

    def add_crops(self, cuts: Sequence[CutPart]) -> "Draft":
        """With the crops that were cut elsewhere, in whatever parts."""
        joined = join_cuts(cuts)
        layers = [{**arrays, **to_arrays(joined[place])} for place, arrays in enumerate(self.layers)]
        tiles = self.manifest["seconds"].get("tiles", 0.0) + sum(cut.seconds for cut in cuts)
        seconds = {**self.manifest["seconds"], "tiles": round(tiles, 3)}
        return replace(self, manifest={**self.manifest, "seconds": seconds}, layers=layers)


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
    number in all. Raises NothingMeasured.
    """
    completion = prepare(
        network=network, image_set=image_set, tally=tally, options=options, save=save, progress=progress
    )
    return draft(completion, tally=tally, device=device).write(save)


def draft(completion: Completion, *, tally: Tally, device: str) -> Draft:
    """Complete every measure. Without crops if the completion keeps parts of them, to be cut elsewhere."""
    watch = Stopwatch(dict(tally.seconds))
    for measure in list_measures():
        since = time.perf_counter()
        if measure.is_asked(completion.options):
            complete_measure(measure, completion)
        watch.add(measure.stage, since)
    manifest = describe(completion=completion, tally=tally, device=device, seconds=watch.seconds)
    # The names of all measures' arrays differ.
    arrays = [
        {key: array for result in layer.results.values() for key, array in to_arrays(result).items()}
        for layer in completion.layers
    ]
    return Draft(manifest=manifest, paths=list(completion.image_set.paths), layers=arrays)


def prepare(
    *,
    network: LoadedNetwork,
    image_set: ImageSet,
    tally: Tally,
    options: DissectionOptions,
    save: Save,
    progress: StageProgress,
) -> Completion:
    """What the measures complete from; raises NothingMeasured."""
    if len(tally.images) == 0:
        raise NothingMeasured(f"None of {say_count(len(image_set.paths), 'image')} could be used.")
    return Completion(
        network=network,
        image_set=image_set,
        options=options,
        images=tally.images,
        labels=tally.labels,
        layers=_place_layers(network, tally),
        pixels=PixelCache(image_set=image_set, preprocessing=network.preprocessing),
        save=save,
        progress=progress,
        spill=tally.spill,
    )


def complete_measure(measure: Measure[Any, Any], completion: Completion) -> None:
    """Complete one measure, and keep the result beside the layers."""
    n_layers = len(completion.layers)
    if measure.stage == "label":
        completion.progress("label", 0, n_layers)
    results = measure.complete(completion)
    for layer, result in zip(completion.layers, results, strict=bool(results)):
        layer.results[measure.recorded.name] = result
    if measure.stage == "label":
        completion.progress("label", n_layers, n_layers)


def _place_layers(network: LoadedNetwork, tally: Tally) -> list[MeasuredLayer]:
    """The layers, and where their cells lie or why that is unknown."""
    shapes = [layer.shape for layer in tally.layers]
    found = (
        {shape.path: Placing(None, "Saved activations: no graph to follow.") for shape in shapes}
        if network.architecture == SAVED
        else find_placings(module=network.module, shapes=shapes, input_px=network.preprocessing.input_px)
    )
    return [
        MeasuredLayer(
            shape=layer.shape,
            geometry=found[layer.shape.path].geometry,
            reason=found[layer.shape.path].reason,
            parts=layer.parts,
        )
        for layer in tally.layers
    ]
