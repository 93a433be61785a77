"""How well boxes and maps find an object: [ZKLOT16] 3.2, ILSVRC's error, and MaxBoxAcc V1 and V2 of [CRLSA20].

docs/evidence.md, Localization. Boxes are (n, 4) x0, y0, x1, y1 in pixels of the square input; `x1` and `y1` of boxes
from maps lie one past the last pixel. Every outcome is of one image, so that figures do not depend on how a set is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.engine.evidence.boxes import EIGHT_NEIGHBORS, Box
from workers.engine.resampling import Estimate, bootstrap, estimate_share, widen_certain

Flags = NDArray[np.bool_]
Values = NDArray[np.float64]
Packed = NDArray[np.uint8]
ENOUGH = 0.5
# [CRLSA20]: V2 is the mean over these.
V2_OVERLAPS = (0.3, 0.5, 0.7)
# Maps become whole numbers of 0 to 255, so that taus from 0 to 1 are as many thresholds.
N_TAUS = 256
CENTER_SHARE = 0.8
# Deviation of the centered Gaussian, of the side.
GAUSSIAN_SHARE = 0.25
SEED = 2020
# Thresholds that are unpacked at a time.
TAUS_AT_ONCE = 64


@dataclass(frozen=True)
class Outcomes:
    """Of n images, whether each score's condition is met: (n,). `has_map`: the map of the image's class is positive
    somewhere and not the same everywhere, so that it gives a box. The last three, for each of N_TAUS thresholds, are
    packed eight to a byte (`pack_curves`), so that an image takes some 300 bytes: `v1` (n, 32), the largest part over a
    threshold overlaps a box by half; `v2` (n, 3, 32), some part does, for each of V2_OVERLAPS; `gaussian_v2` the same
    of a centered Gaussian. Of the box by `paper` for the image's class, `box` (n, 4) in pixels of the input, and
    `overlap` (n,), its IoU.
    """

    top1: Flags
    top5: Flags
    gt_known: Flags
    top1_localization: Flags
    top5_localization: Flags
    top5_authors: Flags
    center_box: Flags
    has_map: Flags
    v1: Packed
    v2: Packed
    gaussian_v2: Packed
    box: NDArray[np.int16]
    overlap: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.top1)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def join(cls, parts: Sequence["Outcomes"]) -> "Outcomes":
        """Those of all images, in the order of the parts."""
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})


def overlap(boxes: Values, truth: Values) -> Values:
    """(n,) the largest IoU of each box with any box of the truth, with ILSVRC's sizes of one pixel more."""
    ends = boxes[:, None, 2:] - 1
    starts = np.maximum(boxes[:, None, :2], truth[None, :, :2])
    shared = (np.minimum(ends, truth[None, :, 2:]) - starts + 1).clip(min=0).prod(axis=2)
    own = (ends - boxes[:, None, :2] + 1).prod(axis=2)
    other = (truth[:, 2:] - truth[:, :2] + 1).prod(axis=1)
    return np.asarray((shared / (own + other - shared)).max(axis=1))


def overlap_of(box: Box, truth: Values) -> float:
    """The largest IoU of one box with any box of the truth."""
    return float(overlap(np.array([box], dtype=np.float64), truth)[0])


def finds(box: Box, truth: Values, *, enough: float = ENOUGH) -> bool:
    return overlap_of(box, truth) >= enough


def center_box(size_px: int) -> Box:
    """The square of CENTER_SHARE of the side."""
    edge = round((1 - CENTER_SHARE) / 2 * size_px)
    return edge, edge, size_px - edge, size_px - edge


def center_gaussian(size_px: int) -> NDArray[np.float64]:
    """(size_px, size_px) with its peak in the middle."""
    from_center = np.arange(size_px) - (size_px - 1) / 2
    one = np.exp(-0.5 * (from_center / (GAUSSIAN_SHARE * size_px)) ** 2)
    return np.asarray(one[:, None] * one)


@dataclass(frozen=True)
class Parts:
    """The connected parts of a map over the thresholds low to high - 1: (n, 4) boxes, the largest part's first."""

    low: int
    high: int
    boxes: Values


def sweep(values: NDArray[np.floating]) -> list[Parts]:
    """The parts at each of N_TAUS thresholds, in runs of thresholds with the same parts.

    The map is scaled to 0 to 255; a part is what lies strictly over the threshold and is connected; over the map's
    largest value there is none. A map of one value gives the whole image at every threshold.
    """
    least, largest = float(values.min()), float(values.max())
    if not largest > least:
        return [Parts(0, N_TAUS, np.array([[0, 0, values.shape[1], values.shape[0]]], dtype=np.float64))]
    gray = ((values - least) / (largest - least) * 255).astype(np.uint8)
    # Between two values that the map has, the parts are the same.
    return [Parts(low, high, _find_parts(gray > low)) for low, high in pairwise(np.unique(gray).tolist())]


def judge(parts: Sequence[Parts], truth: Values) -> tuple[Flags, Flags]:
    """(N_TAUS,) whether the largest part over each threshold finds a box, and (3, N_TAUS) whether some part does."""
    v1, v2 = np.zeros(N_TAUS, dtype=bool), np.zeros((len(V2_OVERLAPS), N_TAUS), dtype=bool)
    for part in parts:
        overlaps = overlap(part.boxes, truth)
        v1[part.low : part.high] = overlaps[0] >= ENOUGH
        v2[:, part.low : part.high] = (overlaps.max() >= np.array(V2_OVERLAPS))[:, None]
    return v1, v2


def _find_parts(over: Flags) -> Values:
    """(n, 4) boxes of the connected parts, the largest part first. As in [CRLSA20]'s code, a box takes in the row and
    the column after its part, if the map has them.
    """
    parts, n_parts = ndimage.label(over, EIGHT_NEIGHBORS)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)[1:]
    slices = ndimage.find_objects(parts)
    height, width = over.shape
    boxes = [(x.start, y.start, min(x.stop + 1, width), min(y.stop + 1, height)) for y, x in slices]
    return np.array(boxes, dtype=np.float64)[np.argsort(-sizes, kind="stable")]


def pack_curves(flags: Flags) -> Packed:
    """(..., N_TAUS) flags as (..., N_TAUS / 8) bytes."""
    return np.packbits(flags, axis=-1)


@dataclass(frozen=True)
class Taus:
    """Places of the best thresholds of some images: of V1, of V2 for each of V2_OVERLAPS, of the Gaussian's V2."""

    v1: tuple[int, ...]
    v2: tuple[int, ...]
    gaussian_v2: tuple[int, ...]


def choose_taus(outcomes: Outcomes) -> Taus:
    """The thresholds with which most of these images are found; the lowest of several."""
    everyone = np.ones((1, len(outcomes)))

    def choose(curves: Sequence[Packed]) -> tuple[int, ...]:
        return tuple(int(_count_found(curve, everyone)[0].argmax()) for curve in curves)

    return Taus(choose([outcomes.v1]), choose(_list_curves(outcomes.v2)), choose(_list_curves(outcomes.gaussian_v2)))


def name_tau(place: int) -> float:
    """A threshold from 0 to 1 by its place."""
    return place / (N_TAUS - 1)


@dataclass(frozen=True)
class Score:
    """In percent with its 95 % interval over images; `taus` are the thresholds that gave it, for scores of maps."""

    estimate: Estimate
    taus: tuple[float, ...] = ()

    def tell(self, name: str) -> dict[str, Any]:
        """As the answer states it: the score, its interval, and its threshold or thresholds."""
        told: dict[str, Any] = {
            name: self.estimate.value, f"{name}_low": self.estimate.low, f"{name}_high": self.estimate.high,
        }  # fmt: skip
        if len(self.taus) == 1:
            told[f"{name}_tau"] = self.taus[0]
        elif self.taus:
            told[f"{name}_taus"] = list(self.taus)
        return told


SHARES = ("top1", "top5", "gt_known", "top1_localization", "top5_localization", "top5_authors")


def score(outcomes: Outcomes, *, chosen: Taus | None = None) -> dict[str, Score]:
    """Every score of docs/evidence.md, Localization. `chosen`: thresholds of other images; None: the best ones of these
    images, as published, chosen again in each resample.
    """
    off_center = ~outcomes.center_box
    found = {name: Score(_estimate(getattr(outcomes, name))) for name in SHARES}
    found["centre_box"] = Score(_estimate(outcomes.center_box))
    found["off_centre_gt_known"] = Score(_estimate(outcomes.gt_known[off_center]))
    taus = chosen or choose_taus(outcomes)
    for name, curves, places in (
        ("v1", [outcomes.v1], taus.v1),
        ("v2", _list_curves(outcomes.v2), taus.v2),
        ("centre_gaussian_v2", _list_curves(outcomes.gaussian_v2), taus.gaussian_v2),
    ):
        estimate = _best_of(curves) if chosen is None else _estimate_at(curves, places)
        found[name] = Score(estimate, tuple(name_tau(place) for place in places))
    return found


def _list_curves(packed: Packed) -> list[Packed]:
    """(n, k, N_TAUS / 8) as k arrays (n, N_TAUS / 8)."""
    return [packed[:, place] for place in range(packed.shape[1])]


def _estimate(flags: NDArray[Any]) -> Estimate:
    """Of flags, or of shares from 0 to 1."""
    return estimate_share(flags, seed=SEED, whole=100.0)


def _estimate_at(curves: Sequence[Packed], places: Sequence[int]) -> Estimate:
    """The mean over curves of the share of images at a threshold each."""
    found = [np.unpackbits(curve, axis=1)[:, place] for curve, place in zip(curves, places, strict=True)]
    return _estimate(np.mean(found, axis=0))


def _best_of(curves: Sequence[Packed]) -> Estimate:
    """The mean over curves of the best threshold's share of images; it is chosen in each resample."""
    n = len(curves[0])
    found = bootstrap(
        lambda drawn: (
            100 * np.mean([_count_found(curve, drawn).max(axis=1) for curve in curves], axis=0) / drawn.sum(axis=1)
        ),
        n=n,
        seed=SEED,
    )
    return widen_certain(found, n=n, whole=100.0)


def _count_found(curve: Packed, drawn: Values) -> Values:
    """(draws, N_TAUS) how many of the drawn images are found at each threshold. Counts below 2**24 are exact."""
    times, step = drawn.astype(np.float32), TAUS_AT_ONCE // 8
    parts = [
        times @ np.unpackbits(curve[:, first : first + step], axis=1).astype(np.float32)
        for first in range(0, curve.shape[1], step)
    ]
    return np.concatenate(parts, axis=1).astype(np.float64)
