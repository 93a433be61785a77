"""Dissect a network: survey, measure shard by shard in one pass, merge, complete.

[ZKLOT15], [BZKOT17]; the measures are those of science.md. The steps are separate because different processes may
measure different shards; `dissect` is all of them in a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.artifact_format import Save
from workers.engine.activations import ImageBatch, Stopwatch, Upload, read_ahead, read_batch
from workers.engine.complete import StageProgress, complete
from workers.engine.hooks import LayerShape, probe_layers, reading
from workers.engine.images import ImageSet
from workers.engine.label_maps import LabelRuns
from workers.engine.labels import PackedLabels, pack_labels
from workers.engine.measuring import LayerMeasure
from workers.engine.networks import LoadedNetwork, normalize
from workers.engine.options import DissectionOptions, dissection_key
from workers.engine.spilling import IN_MEMORY, Spill
from workers.engine.tally import Tally, merge_tallies

Progress = Callable[[int], None]
Bounds = Mapping[str, NDArray[np.float32]]


class ShardMisplaced(Exception):
    """A shard does not begin at the start of a batch, or lies outside the image set."""


def survey(*, network: LoadedNetwork, layers: Sequence[str], device: str) -> dict[str, LayerShape]:
    """Shapes of the layers; raises LayerError in words for what cannot be dissected, before any image is read."""
    return probe_layers(module=network.module, paths=layers, input_px=network.preprocessing.input_px, device=device)


def cut_shards(*, n_images: int, options: DissectionOptions, batches_each: int) -> list[tuple[int, int]]:
    """First and end image of each shard, cut at batch boundaries."""
    step = options.batch_size * max(1, batches_each)
    return [(first, min(n_images, first + step)) for first in range(0, n_images, step)]


def measure_shard(
    *,
    network: LoadedNetwork,
    layers: Sequence[str],
    image_set: ImageSet,
    first: int,
    last: int,
    options: DissectionOptions,
    device: str,
    progress: Progress,
    bounds: Bounds | None = None,
    decode_threads: int = 1,
    spill: Spill = IN_MEMORY,
    packed: PackedLabels | None = None,
) -> Tally:
    """Measure images first to last - 1 in one pass; `progress` gets the number of images done.

    `bounds` (from `bounds_of` tallies of the same dissection, joined along axis 1) let a shard that starts cold prune
    like one that does not. Labels that were `packed` before are not decoded again. When memory runs out, the shard
    starts again with half the batch, which the tally records. Raises ShardMisplaced, LayerError, ActivationNotFinite.
    """
    if first % options.batch_size or not 0 <= first < last <= len(image_set.paths):
        raise ShardMisplaced(
            f"Images {first} to {last} are no shard of {len(image_set.paths)} images in batches of "
            f"{options.batch_size}."
        )
    shapes = survey(network=network, layers=layers, device=device)
    key = dissection_key(network=network, layers=layers, image_set=image_set, options=options)
    watch, upload = Stopwatch(), Upload(device)
    read = partial(_read, image_set=image_set, network=network, watch=watch, upload=upload, packed=packed)
    halvings = 0
    while True:
        measures = {
            path: LayerMeasure(
                shape=shape,
                n_images=len(image_set.paths),
                options=options,
                device=device,
                landmarks=(bounds or {}).get(path),
                spill=spill,
            )
            for path, shape in shapes.items()
        }
        size = options.batch_size >> halvings
        batches = [range(i, min(last, i + size)) for i in range(first, last, size)]
        try:
            ahead = read_ahead(read=read, batches=batches, threads=decode_threads)
            return _measure(
                network=network,
                measures=measures,
                batches=zip(batches, ahead, strict=True),
                with_labels=image_set.broden is not None,
                autocast=options.autocast,
                upload=upload,
                watch=watch,
                progress=progress,
                key=key,
                halvings=halvings,
            )
        except (torch.OutOfMemoryError, MemoryError):
            if size == 1:
                raise
        halvings += 1
        if device.startswith("cuda"):
            torch.cuda.empty_cache()


def _measure(
    *,
    network: LoadedNetwork,
    measures: dict[str, LayerMeasure],
    batches: Iterable[tuple[range, ImageBatch]],
    with_labels: bool,
    autocast: bool,
    upload: Upload,
    watch: Stopwatch,
    progress: Progress,
    key: str,
    halvings: int,
) -> Tally:
    images: list[int] = []
    labels: list[LabelRuns] = []
    quarantined: list[tuple[int, str]] = []
    indices = torch.zeros(0)

    def consume(path: str, maps: torch.Tensor) -> None:
        since = time.perf_counter()
        measures[path].add(images=indices, maps=maps)
        watch.add("measure", since)

    half = torch.autocast(upload.device.type, enabled=autocast)
    with half, reading(module=network.module, paths=list(measures), consume=consume) as run:
        n_done = 0
        for asked, batch in batches:
            if batch.images:
                since = time.perf_counter()
                indices = torch.tensor(batch.images, dtype=torch.int32, device=upload.device)
                run(normalize(pixels=upload.end(batch), preprocessing=network.preprocessing))
                watch.add("pass", since)
            images += batch.images
            labels += batch.labels
            quarantined += batch.quarantined
            n_done += len(asked)
            progress(n_done)
    since = time.perf_counter()
    layers = tuple(measure.freeze() for measure in measures.values())
    packed = pack_labels(images=images, runs=labels) if with_labels else None
    watch.add("pass", since)
    return Tally(
        key=key,
        images=np.array(images, dtype=np.int32),
        quarantined=tuple(quarantined),
        labels=packed,
        layers=layers,
        seconds=watch.seconds,
        halvings=halvings,
    )


def _read(
    indices: Sequence[int],
    *,
    image_set: ImageSet,
    network: LoadedNetwork,
    watch: Stopwatch,
    upload: Upload,
    packed: PackedLabels | None,
) -> ImageBatch:
    preprocessing = network.preprocessing
    return upload.begin(
        read_batch(image_set=image_set, preprocessing=preprocessing, indices=indices, watch=watch, packed=packed)
    )


def dissect(
    *,
    network: LoadedNetwork,
    layers: Sequence[str],
    image_set: ImageSet,
    options: DissectionOptions,
    device: str,
    save: Save,
    progress: StageProgress,
) -> dict[str, Any]:
    """The whole of it in one process: one shard, one artifact; returns the manifest."""
    n_images = len(image_set.paths)
    tally = measure_shard(
        network=network,
        layers=layers,
        image_set=image_set,
        first=0,
        last=n_images,
        options=options,
        device=device,
        progress=lambda n_done: progress("measure", n_done, n_images),
    )
    return complete(
        network=network,
        image_set=image_set,
        tally=merge_tallies([tally]),
        options=options,
        device=device,
        save=save,
        progress=progress,
    )
