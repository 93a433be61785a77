"""Dissect a network: survey, then measure shard by shard in one pass. `tally.py` merges, `complete.py` completes.

[ZKLOT15], [BZKOT17]; docs/measures.md says what each measure is. The steps are separate because different processes may
measure different shards.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images.batches import ImageBatch, Stopwatch, Upload, read_ahead, read_batch
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelRuns
from workers.engine.images.packed_labels import PackedLabels, pack_labels
from workers.engine.kept_memory import keeping_memory
from workers.engine.manifest import dissection_key
from workers.engine.measures.layer_pass import ActivationNotFinite, LayerPass
from workers.engine.measures.measure import Run
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.tally import LayerTally, Tally
from workers.engine.measures.thresholds.arrays import ThresholdOptions
from workers.engine.measures.thresholds.measure import Candidates, list_short, tell_bounds
from workers.engine.measures.thresholds.thresholds import n_above
from workers.engine.networks.company import TRIED, Tolerance, check_company
from workers.engine.networks.hooks import reading
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.map_axes import Asked
from workers.engine.networks.probing import probe_layers
from workers.engine.networks.saved_activations import SavedActivationsInvalid, SavedNetwork
from workers.engine.plurals import say_count

# Sets of fewer batches are measured sooner than their time is estimated.
MIN_BATCHES = 16

Progress = Callable[[int], None]
Bounds = Mapping[str, NDArray[np.float32]]


class UnitNotFinite(Exception):
    """A unit gave NaN or infinity; the message names layer, unit and image."""


class ShardMisplaced(Exception):
    """A shard does not begin at the start of a batch, or lies outside the image set."""


def survey(
    *, network: LoadedNetwork, layers: Sequence[str], device: str, options: DissectionOptions
) -> dict[str, LayerShape]:
    """Shapes of the layers, and how they are read; raises LayerError or SavedActivationsInvalid in words for what
    cannot be dissected, before any image is read.
    """
    asked = Asked(axes=options.run.axes, tokens=options.run.tokens)
    if isinstance(network, SavedNetwork):
        return {network.name: network.find_shape(asked)}
    return probe_layers(
        module=network.module, paths=layers, input_px=network.preprocessing.input_px, device=device, asked=asked
    )


def check_first_images(
    *,
    network: LoadedNetwork,
    shapes: Mapping[str, LayerShape],
    image_set: ImageSet,
    options: DissectionOptions,
    device: str,
) -> None:
    """Run the first usable images twice, in other company; raises LayerDependsOnBatch. Costs less than one batch."""
    if isinstance(network, SavedNetwork):
        return
    n_looked_at = min(len(image_set.paths), options.run.batch_size)
    pixels: list[NDArray[np.uint8]] = []
    for index in range(n_looked_at):
        if len(pixels) == TRIED:
            break
        with suppress(ImageUnreadable):
            pixels.append(image_set.read_pixels(index, preprocessing=network.preprocessing))
    if not pixels:
        return
    images = torch.from_numpy(np.stack(pixels)).to(device)
    autocast = options.run.autocast
    with torch.autocast(images.device.type, enabled=autocast):
        tried = normalize(pixels=images, preprocessing=network.preprocessing)
        tolerance = Tolerance.of(device=device, autocast=autocast)
        for n in dict.fromkeys((len(tried), 2, 1)):
            # Where memory holds two images at a time, one is tried beside its negative.
            with suppress(torch.OutOfMemoryError):
                check_company(
                    module=network.module, shapes=list(shapes.values()), images=tried[:n], tolerance=tolerance
                )
                return


@dataclass(frozen=True)
class Shard:
    """Images first to last - 1, and what is known before they are read.

    `bounds` (from `bounds_of` tallies of the same dissection, joined along axis 1) let a shard that starts cold prune
    like one that does not. Labels that were `packed` before are not decoded again.
    """

    first: int
    last: int
    bounds: Bounds | None = None
    packed: PackedLabels | None = None


def bounds_of(tally: Tally) -> dict[str, NDArray[np.float32]]:
    """By layer path what a finished shard tells later ones of each unit's threshold."""
    return {
        layer.shape.path: tell_bounds(part)
        for layer in tally.layers
        for part in layer.parts.values()
        if isinstance(part, Candidates)
    }


def list_unknown(tallies: Sequence[Tally], *, options: DissectionOptions) -> list[int]:
    """Places of the tallies that were measured for another set and kept too little for the thresholds of this one."""
    tail, n_images = options.of(ThresholdOptions).tail, sum(len(one.images) for one in tallies)
    found: set[int] = set()
    for place, layer in enumerate(tallies[0].layers):
        parts = [part for one in tallies for part in one.layers[place].parts.values() if isinstance(part, Candidates)]
        n_values = n_images * layer.shape.height * layer.shape.width
        found.update(list_short(parts, n_exceeding=n_above(tail=tail, n_values=n_values)))
    return sorted(found)


@dataclass(frozen=True)
class Means:
    """What a shard is measured with. `decode_threads` 0 decodes in the thread that computes; `progress` gets the number
    of images done.
    """

    device: str = "cpu"
    decode_threads: int = 1
    spill: Spill = IN_MEMORY
    progress: Progress = lambda n_done: None


CPU = Means()


def measure_shard(
    *,
    network: LoadedNetwork,
    layers: Sequence[str],
    image_set: ImageSet,
    options: DissectionOptions,
    shard: Shard,
    means: Means = CPU,
) -> Tally:
    """Measure a shard in one pass. When memory runs out, it starts again with half the batch, which the tally records.

    Raises ShardMisplaced, LayerError, UnitNotFinite, SavedActivationsInvalid.
    """
    if isinstance(network, SavedNetwork) and len(network.maps) != len(image_set.paths):
        raise SavedActivationsInvalid(
            f"{network.name} holds {say_count(len(network.maps), 'image')}, the image set {len(image_set.paths)}."
        )
    if shard.first % options.run.batch_size or not 0 <= shard.first < shard.last <= len(image_set.paths):
        raise ShardMisplaced(
            f"Images {shard.first} to {shard.last} are no shard of {say_count(len(image_set.paths), 'image')} in "
            f"batches of {options.run.batch_size}."
        )
    shapes = survey(network=network, layers=layers, device=means.device, options=options)
    halvings = 0
    while True:
        try:
            return _Attempt(network, shapes, image_set, options, shard, means, halvings).measure()
        except (torch.OutOfMemoryError, MemoryError):
            if options.run.batch_size >> halvings == 1:
                raise
        halvings += 1
        if means.device.startswith("cuda"):
            torch.cuda.empty_cache()


def estimate_seconds(
    *, network: LoadedNetwork, layers: Sequence[str], image_set: ImageSet, options: DissectionOptions, device: str
) -> float | None:
    """About how long the pass over the set takes in one process, by measuring one batch; None for a set of few batches,
    which is not worth it. It is no result.
    """
    size, n_images = options.run.batch_size, len(image_set.paths)
    if n_images < MIN_BATCHES * size:
        return None
    since = time.perf_counter()
    measure_shard(
        network=network, layers=layers, image_set=image_set, options=options, shard=Shard(0, size), means=Means(device)
    )
    return (time.perf_counter() - since) / size * n_images


@dataclass(frozen=True)
class _Attempt:
    """One try at a shard, the batch halved as often as memory ran out before."""

    network: LoadedNetwork
    shapes: Mapping[str, LayerShape]
    image_set: ImageSet
    options: DissectionOptions
    shard: Shard
    means: Means
    halvings: int

    @keeping_memory()
    def measure(self) -> Tally:
        watch, upload = Stopwatch(), Upload(self.means.device)
        facts = Run(
            options=self.options,
            n_images=len(self.image_set.paths),
            device=self.means.device,
            spill=self.means.spill,
            bounds=self.shard.bounds or {},
        )
        passes = {path: LayerPass(shape=shape, run=facts) for path, shape in self.shapes.items()}
        images: list[int] = []
        labels: list[LabelRuns] = []
        quarantined: list[tuple[int, str]] = []
        indices = torch.zeros(0)

        def consume(path: str, maps: torch.Tensor) -> None:
            since = time.perf_counter()
            try:
                passes[path].add(images=indices, maps=maps)
            except ActivationNotFinite as error:
                raise UnitNotFinite(error.tell(self.image_set.paths[error.image])) from None
            watch.add("measure", since)

        half = torch.autocast(upload.device.type, enabled=self.options.run.autocast)
        with half, self._reading(consume) as run:
            for batch in self._batches(watch, upload):
                if batch.images:
                    since = time.perf_counter()
                    indices = torch.tensor(batch.images, dtype=torch.int32, device=upload.device)
                    run(batch.images, upload.end(batch))
                    watch.add("pass", since)
                images += batch.images
                labels += batch.labels
                quarantined += batch.quarantined
        since = time.perf_counter()
        layers = tuple(LayerTally(shape=one.shape, parts=one.freeze()) for one in passes.values())
        packed = pack_labels(images=images, runs=labels) if self.image_set.labels is not None else None
        watch.add("pass", since)
        return Tally(
            key=dissection_key(
                network=self.network, layers=list(self.shapes), image_set=self.image_set, options=self.options
            ),
            images=np.array(images, dtype=np.int32),
            quarantined=tuple(quarantined),
            labels=packed,
            layers=layers,
            seconds=watch.seconds,
            halvings=self.halvings,
        )

    @contextmanager
    def _reading(
        self, consume: Callable[[str, torch.Tensor], None]
    ) -> Iterator[Callable[[list[int], torch.Tensor], None]]:
        """A function that takes images and their pixels, and gives the layers' maps to `consume`."""
        network = self.network
        if isinstance(network, SavedNetwork):
            shape = self.shapes[network.name]
            yield lambda images, pixels: consume(network.name, network.read(images, shape, device=pixels.device))
            return
        with reading(module=network.module, shapes=list(self.shapes.values()), consume=consume) as run:
            yield lambda images, pixels: run(normalize(pixels=pixels, preprocessing=network.preprocessing))

    def _batches(self, watch: Stopwatch, upload: Upload) -> Iterator[ImageBatch]:
        """The shard's batches, some decoded ahead; told to be done when the next one is asked for."""
        shard, size = self.shard, self.options.run.batch_size >> self.halvings

        def read(indices: Sequence[int]) -> ImageBatch:
            batch = read_batch(
                image_set=self.image_set,
                preprocessing=self.network.preprocessing,
                indices=indices,
                watch=watch,
                packed=shard.packed,
            )
            return upload.begin(batch)

        batches = [range(i, min(shard.last, i + size)) for i in range(shard.first, shard.last, size)]
        ahead = read_ahead(read=read, batches=batches, threads=self.means.decode_threads)
        for asked, batch in zip(batches, ahead, strict=True):
            yield batch
            self.means.progress(asked.stop - shard.first)
