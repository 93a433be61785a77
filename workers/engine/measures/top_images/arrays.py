"""Top and low images of each unit, as the artifact keeps them and as the database takes them in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.recorded import Recorded, UnitRows, option

# All peaks are equal; no peak is above zero, so that no segment can be cut; no peak exceeds those of the lowest tenth.
SILENCES = CONSTANT, NEGATIVE, SILENT = "constant", "negative", "silent"
# Found from the images that are kept: half of the top images do not exceed the low ones, which negatives come from.
TIED = "tied"
# Peaks that differ by less than this share of their size differ by rounding alone: float32 keeps seven digits.
ROUNDING = 1e-5


@dataclass(frozen=True)
class TopImagesOptions:
    """n_top and n_low images per unit."""

    n_top: int = option(57, "top images per unit", low=1, high=1000)
    n_low: int = option(12, "images of low activation per unit, from which planted negatives come", low=0, high=1000)

    @property
    def n_maps(self) -> int:
        """Maps kept per unit: of the top images, and of the next ones, whose shapes the low images are cut in."""
        return self.n_top + self.n_low


@dataclass(frozen=True)
class TopImages:
    """Per unit the images of highest peak (U, n_top), and a draw among the lowest tenth (U, n_low).

    Image indices, -1 if there are too few images; peaks; locations (..., 2), row and column of the map's cell; a
    histogram (U, 32) of the unit's peaks over equal bins from the lowest to the highest, `peak_range` (U, 2).
    `silence` (U,) says why a unit tells nothing, one of SILENCES, or ""; None in artifacts of before.
    """

    top_image: NDArray[np.int32]
    top_peak: NDArray[np.float32]
    top_location: NDArray[np.int16]
    low_image: NDArray[np.int32]
    low_peak: NDArray[np.float32]
    low_location: NDArray[np.int16]
    peak_histogram: NDArray[np.int32]
    peak_range: NDArray[np.float32]
    silence: NDArray[np.str_] | None = None


def name_silence(*, low: float, high: float, lowest_tenth: float) -> str:
    """Why a unit with this range of peaks tells nothing; `lowest_tenth` is the highest peak of its lowest tenth."""
    if high <= low:
        return CONSTANT
    if high <= 0:
        return NEGATIVE
    return SILENT if high <= lowest_tenth else ""


def name_tie(*, tops: Sequence[float], lows: Sequence[float]) -> str:
    """TIED, or "": from the falling peaks of the top images, and those of the low images."""
    if not tops or not lows:
        return ""
    middle, bound = tops[len(tops) // 2], max(lows)
    return TIED if middle <= bound + ROUNDING * abs(bound) else ""


def ingest(arrays: TopImages, manifest: Mapping[str, Any]) -> Iterator[UnitRows]:
    """Ranks are tile numbers: the top images by falling peak, then the low ones."""
    n_top = arrays.top_image.shape[1]
    for unit in range(len(arrays.top_image)):
        top = _list_ranks(arrays.top_image[unit], arrays.top_peak[unit], arrays.top_location[unit], first=0)
        low = _list_ranks(arrays.low_image[unit], arrays.low_peak[unit], arrays.low_location[unit], first=n_top)
        columns = {
            "n_top": len(top),
            "n_low": len(low),
            "peak_low": float(arrays.peak_range[unit, 0]),
            "peak_high": float(arrays.peak_range[unit, 1]),
            "peak_histogram": arrays.peak_histogram[unit].tolist(),
            "silence": _find_silence(arrays, unit)
            or name_tie(tops=[row["peak"] for row in top.values()], lows=[row["peak"] for row in low.values()]),
        }
        ranks = {rank: {**row, "is_low": rank >= n_top} for rank, row in (top | low).items()}
        yield UnitRows(columns=columns, ranks=ranks)


def _find_silence(arrays: TopImages, unit: int) -> str:
    """As recorded; in artifacts of before, from the range of the peaks and the low images."""
    if arrays.silence is not None:
        return str(arrays.silence[unit])
    low, high = arrays.peak_range[unit].tolist()
    return name_silence(low=low, high=high, lowest_tenth=low)


def _list_ranks(
    images: NDArray[np.int32], peaks: NDArray[np.float32], locations: NDArray[np.int16], *, first: int
) -> dict[int, dict[str, Any]]:
    rows = zip(images.tolist(), peaks.tolist(), locations.tolist(), strict=True)
    return {
        rank: {"image": image, "peak": peak, "peak_row": row, "peak_column": column}
        for rank, (image, peak, (row, column)) in enumerate(rows, start=first)
        if image >= 0
    }


RECORDED = Recorded(name="top_images", arrays=TopImages, options=TopImagesOptions, ingest=ingest)
