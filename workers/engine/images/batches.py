"""Stream an image set through a network once: batches of decoded images and labels, read ahead while the network
computes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable, LabelRuns
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.networks.preprocessing import Preprocessing

BATCHES_AHEAD = 2


@dataclass
class Stopwatch:
    """Seconds by stage; stages that overlap in threads are each counted."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, since: float) -> float:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now


@dataclass(frozen=True)
class ImageBatch:
    """Usable images of one batch: indices, (B, px, px, 3) uint8 pixels, labels (empty for unlabeled sets), and who was
    quarantined.
    """

    images: list[int]
    pixels: torch.Tensor
    labels: list[LabelRuns]
    quarantined: list[tuple[int, str]]
    # On a GPU: when the copy of the pixels has ended.
    copied: torch.cuda.Event | None = None


def read_batch(
    *,
    image_set: ImageSet,
    preprocessing: Preprocessing,
    indices: Sequence[int],
    watch: Stopwatch,
    packed: PackedLabels | None = None,
) -> ImageBatch:
    """Decode one batch; what cannot be read is quarantined with its reason. Labels that are `packed` are not decoded
    again.
    """
    images: list[int] = []
    pixels: list[NDArray[np.uint8]] = []
    labels: list[LabelRuns] = []
    quarantined: list[tuple[int, str]] = []
    for index in indices:
        try:
            since = time.perf_counter()
            decoded = image_set.read_pixels(index, preprocessing=preprocessing)
            since = watch.add("decode", since)
            if image_set.labels is not None:
                kept = packed.of_image(index) if packed is not None else None
                labels.append(kept or image_set.read_labels(index))
                watch.add("labels", since)
        except (ImageUnreadable, LabelMapUnreadable) as error:
            quarantined.append((index, str(error)))
            continue
        images.append(index)
        pixels.append(decoded)
    px = preprocessing.input_px
    stacked = np.stack(pixels) if pixels else np.zeros((0, px, px, 3), dtype=np.uint8)
    return ImageBatch(images=images, pixels=torch.from_numpy(stacked), labels=labels, quarantined=quarantined)


class Upload:
    """Batches on their way to the device: on a GPU each is copied beside what is computed of the one before."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self._stream: torch.cuda.Stream | None = None
        if self.device.type == "cuda":
            self._stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]

    def begin(self, batch: ImageBatch) -> ImageBatch:
        """Called as soon as the batch is decoded, in the thread that decoded it."""
        if self._stream is None or not batch.images:
            return batch
        with torch.cuda.stream(self._stream):
            pixels = batch.pixels.pin_memory().to(self.device, non_blocking=True)
            return replace(batch, pixels=pixels, copied=self._stream.record_event())

    def end(self, batch: ImageBatch) -> torch.Tensor:
        """The batch's pixels on the device, for the stream that computes."""
        if batch.copied is not None:
            computing = torch.cuda.current_stream(self.device)
            computing.wait_event(batch.copied)
            batch.pixels.record_stream(computing)
        return batch.pixels


def read_ahead(
    *, read: Callable[[Sequence[int]], ImageBatch], batches: Sequence[Sequence[int]], threads: int
) -> Iterator[ImageBatch]:
    """The batches in order; with threads above 0, some are decoded while the caller computes."""
    if threads == 0:
        for indices in batches:
            yield read(indices)
        return
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="decode") as pool:
        waiting: list[Future[ImageBatch]] = []
        try:
            for indices in batches:
                waiting.append(pool.submit(read, indices))
                if len(waiting) > BATCHES_AHEAD + threads - 1:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()
