"""Read the label maps of an image and pack them as runs of equal labels.

[BZKOT17] 2.1. A label map is a PNG whose number is red + 256 x green. Label 0 is background.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

# Larger label maps would take gigabytes once they are unfolded; published ones have 113 x 113 pixels.
MAX_MAP_PIXELS, MAX_MAP_BYTES = 4_200_000, 64 * 2**20
# A label of the whole image by its number, or a (height, width) map of numbers.
Slot = int | NDArray[np.uint16]


class LabelMapUnreadable(Exception):
    """An image's label map cannot be used; the image is quarantined with this reason."""


@dataclass(frozen=True)
class LabeledImage:
    """One labeled image: its path, the size of its label maps, and per category its whole-image
    labels and map paths.
    """

    path: str
    height: int
    width: int
    labels: tuple[tuple[int, int | str], ...]


@dataclass(frozen=True)
class LabelRuns:
    """The label maps of one image, each as runs of equal labels in row-major order; empty for images without labels.

    `slot_category` (S,) index of the category, `slot_whole` (S,) whether the label was given for the whole image,
    `slot_start` (S + 1,) into `run_start` (first pixel of the run) and `run_label`.
    """

    height: int
    width: int
    slot_category: NDArray[np.int16]
    slot_whole: NDArray[np.bool_]
    slot_start: NDArray[np.int64]
    run_start: NDArray[np.int32]
    run_label: NDArray[np.uint16]


def in_words(error: Exception) -> str:
    """An error of a decoder, short and without addresses of objects, which would differ from run to run."""
    line = re.sub(r" ?<[^>]*>", "", str(error).partition("\n")[0])[:200]
    return re.sub(r"[\x00-\x1f\ud800-\udfff]", "?", line) or type(error).__name__


def read_label_map(path: Path, *, height: int, width: int) -> NDArray[np.uint16]:
    """(height, width) label numbers of a PNG; raises LabelMapUnreadable."""
    try:
        if path.stat().st_size > MAX_MAP_BYTES:
            raise LabelMapUnreadable(f"label map {path.name} is larger than {MAX_MAP_BYTES >> 20} MiB")
        with Image.open(io.BytesIO(path.read_bytes()), formats=("PNG",)) as image:
            if image.size != (width, height):
                raise LabelMapUnreadable(
                    f"label map {path.name} is {image.width} x {image.height} px, not {width} x {height}"
                )
            if image.mode not in ("RGB", "RGBA"):
                raise LabelMapUnreadable(f"label map {path.name} has mode {image.mode}, not RGB")
            pixels = np.asarray(image)
    except FileNotFoundError:
        raise LabelMapUnreadable(f"label map {path.name} is missing") from None
    except UnidentifiedImageError:
        raise LabelMapUnreadable(f"label map {path.name} is not a PNG") from None
    except LabelMapUnreadable:
        raise
    except Exception as error:
        # Damaged files make the decoder fail in a dozen ways.
        raise LabelMapUnreadable(f"label map {path.name} cannot be read: {in_words(error)}") from None
    # uint8 x 256 would overflow: the factor is wider.
    return np.asarray(pixels[..., 0] + pixels[..., 1] * np.uint16(256))


def read_runs(*, folder: Path, row: LabeledImage, known: NDArray[np.bool_]) -> LabelRuns:
    """Pack the labels of one image; `known` (n_numbers,) tells listed label numbers; label maps lie below
    `folder`. Raises LabelMapUnreadable."""
    n_pixels = row.height * row.width
    if n_pixels > MAX_MAP_PIXELS:
        raise LabelMapUnreadable(
            f"label maps of {row.width} x {row.height} px have more than {MAX_MAP_PIXELS:,} pixels"
        )
    slots: list[tuple[int, Slot]] = []
    for category, value in row.labels:
        if isinstance(value, int):
            slots.append((category, value))
            continue
        numbers = read_label_map(folder / value, height=row.height, width=row.width)
        demand_known(numbers, known=known, file=Path(value).name, listed_in="label.csv")
        slots.append((category, numbers))
    return pack_slots(height=row.height, width=row.width, slots=slots)


def demand_known(numbers: NDArray[np.uint16], *, known: NDArray[np.bool_], file: str, listed_in: str) -> None:
    """Raises LabelMapUnreadable if a map carries a number that is no label's."""
    if numbers.max(initial=0) < len(known) and known[numbers].all():
        return
    strange = next(int(x) for x in np.unique(numbers) if x >= len(known) or not known[x])
    raise LabelMapUnreadable(f"label map {file} carries number {strange}, which {listed_in} does not list")


def pack_slots(*, height: int, width: int, slots: Sequence[tuple[int, Slot]]) -> LabelRuns:
    """Pack label maps of height x width px, and labels of the whole image, each with the index of its category."""
    starts: list[NDArray[np.int32]] = []
    labels: list[NDArray[np.uint16]] = []
    for _, value in slots:
        if isinstance(value, int):
            starts.append(np.zeros(1, dtype=np.int32))
            labels.append(np.array([value], dtype=np.uint16))
            continue
        flat = value.reshape(height * width)
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts.append(np.concatenate(([0], changes)).astype(np.int32))
        labels.append(flat[starts[-1]])
    return LabelRuns(
        height=height,
        width=width,
        slot_category=np.array([category for category, _ in slots], dtype=np.int16),
        slot_whole=np.array([isinstance(value, int) for _, value in slots], dtype=np.bool_),
        slot_start=np.cumsum([0, *(len(part) for part in starts)]).astype(np.int64),
        run_start=np.concatenate([np.zeros(0, np.int32), *starts]),
        run_label=np.concatenate([np.zeros(0, np.uint16), *labels]),
    )
