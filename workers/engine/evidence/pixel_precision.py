"""PxAP: the average precision of a map's pixels as detectors of an object's pixels [CRLSA20]. docs/evidence.md, Masks.

The pixels of all images are ranked together. They are counted in bins of scores, so that an image takes 8 kB.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.evidence.localization import SEED, Flags, Score, Values, center_gaussian
from workers.engine.evidence.masked_images import OBJECT, OTHER
from workers.engine.resampling import bootstrap, estimate_share

# Of the square in which maps and masks are compared.
SIZE_PX = 224
# Thresholds from 0 in steps of a thousandth; scores of 1 are in a bin of their own. The last bin is always empty.
EDGES = np.append(np.arange(0, 1, 0.001), [1.0, 2.0, 3.0])
N_BINS = len(EDGES) - 1
SHARES = ("top1", "top5")
Counts = NDArray[np.uint16]


@dataclass(frozen=True)
class PixelOutcomes:
    """Of n images: whether the class is the first, and among the first five (n,); and pixels of objects and others by
    score (n, 2, N_BINS), of the class's map and of a centered Gaussian.
    """

    top1: Flags
    top5: Flags
    pixels: Counts
    gaussian: Counts

    def __len__(self) -> int:
        return len(self.top1)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def join(cls, parts: Sequence["PixelOutcomes"]) -> "PixelOutcomes":
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})

    @classmethod
    def of_none(cls) -> "PixelOutcomes":
        flags, counts = np.zeros(0, dtype=bool), np.zeros((0, 2, N_BINS), dtype=np.uint16)
        return cls(flags, flags, counts, counts)


def scale(values: NDArray[np.floating]) -> Values:
    """From 0 to 1; a map of one value becomes 0."""
    found = values.astype(np.float64)
    least, largest = found.min(), found.max()
    return np.asarray((found - least) / (largest - least)) if largest > least else np.zeros_like(found)


def count_pixels(scores: Values, truth: NDArray[np.uint8]) -> Counts:
    """(2, N_BINS) of scores from 0 to 1: the object's pixels, then the others; ignored ones are in neither."""
    return np.stack([np.histogram(scores[truth == kind], bins=EDGES)[0] for kind in (OBJECT, OTHER)]).astype(np.uint16)


def count_gaussian(truth: NDArray[np.uint8]) -> Counts:
    return count_pixels(scale(center_gaussian(len(truth))), truth)


def average_precision(counts: Values) -> Values:
    """(...,) from 0 to 1, of (..., 2, N_BINS): precision at each threshold times the recall that it adds. Not a number
    if there are no pixels of objects.
    """
    found = counts[..., ::-1].cumsum(axis=-1)
    hits, wrong = found[..., 0, :], found[..., 1, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = hits / hits[..., -1:]
        precision = np.where(hits + wrong > 0, hits / (hits + wrong), 0.0)
    return np.asarray((precision[..., 1:] * np.diff(recall, axis=-1)).sum(axis=-1))


def score_pixels(outcomes: PixelOutcomes) -> dict[str, Score]:
    """In percent with 95 % intervals over images. `object_share` is what a map without any knowledge scores."""
    found = {name: _share(getattr(outcomes, name)) for name in SHARES}
    found["pxap"] = _precision(outcomes.pixels)
    found["centre_gaussian_pxap"] = _precision(outcomes.gaussian)
    n_object, n_other = (outcomes.pixels[:, kind].sum(axis=1).astype(np.float64) for kind in (0, 1))
    shares = bootstrap(
        lambda drawn: 100 * (drawn @ n_object) / (drawn @ (n_object + n_other)), n=len(outcomes), seed=SEED
    )
    return {**found, "object_share": Score(shares)}


def _share(flags: Flags) -> Score:
    return Score(estimate_share(flags, seed=SEED, whole=100.0))


def _precision(counts: Counts) -> Score:
    flat = counts.reshape(len(counts), -1).astype(np.float64)

    def measure(drawn: Values) -> Values:
        return 100 * average_precision((drawn @ flat).reshape(len(drawn), 2, N_BINS))

    return Score(bootstrap(measure, n=len(counts), seed=SEED))
