"""Localize: how well the maps of a network's head find the objects of a set with boxes, or with masks.

docs/evidence.md, Localization. Whole photographs are resized to the square input, so that every pixel counts;
boxes and masks are resized with them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.evidence.box_files.boxed_images import BoxedImage, BoxesInvalid
from workers.engine.evidence.boxes import INTERPOLATIONS, box_authors, box_paper
from workers.engine.evidence.class_maps import grow, run_with_maps
from workers.engine.evidence.head import Head
from workers.engine.evidence.localization import (
    N_TAUS,
    V2_OVERLAPS,
    Flags,
    Outcomes,
    Parts,
    Values,
    center_box,
    center_gaussian,
    finds,
    judge,
    overlap_of,
    pack_curves,
    sweep,
)
from workers.engine.evidence.masked_images import MaskedImage, draw_truth
from workers.engine.evidence.names import AUTHORS
from workers.engine.evidence.pixel_precision import SIZE_PX, PixelOutcomes, count_gaussian, count_pixels, scale
from workers.engine.images.decoding import ImageUnreadable, decode_image, read_size
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.mask_files import read_mask_size
from workers.engine.kept_memory import keeping_memory
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.loading import LoadedNetwork, normalize

BATCH = 32
N_GUESSES = 5
# Of the logarithms of two ratios of sides that count as one.
RATIO_TOLERANCE = 0.01
# The authors' five guesses for ILSVRC: of the classes by rank, this many boxes each, the loose one first.
AUTHORS_GUESSES = (2, 2, 1)


@dataclass(frozen=True)
class Localized:
    """Outcomes of the photographs that could be read, and the others by path, with the reason."""

    outcomes: Outcomes
    unreadable: dict[str, str]


@keeping_memory()
def localize(
    *,
    network: LoadedNetwork,
    head: Head,
    images: Sequence[BoxedImage],
    folder: Path,
    device: str,
    progress: Callable[[int], None] = lambda n_done: None,
) -> Localized:
    """The outcomes of some photographs. Raises BoxesInvalid for a class that the network does not have, NetworkError
    for maps that are not finite.
    """
    _demand_classes(images, head)
    parts, unreadable = [], dict[str, str]()
    for first in range(0, len(images), BATCH):
        batch, pixels = [], []
        for one in images[first : first + BATCH]:
            try:
                decoded = _decode(folder / one.path, network)
                _demand_sides(folder / one.path, "boxes", width=one.width, height=one.height)
            except ImageUnreadable as error:
                unreadable[one.path] = str(error)
                continue
            pixels.append(decoded)
            batch.append(one)
        if batch:
            parts.append(_localize_batch(network, head, batch, np.stack(pixels), device))
        progress(first + len(images[first : first + BATCH]))
    return Localized(Outcomes.join(parts) if parts else _no_outcomes(), unreadable)


@dataclass(frozen=True)
class LocalizedPixels:
    """The same of photographs with masks."""

    outcomes: PixelOutcomes
    unreadable: dict[str, str]


@keeping_memory()
def localize_masks(
    *,
    network: LoadedNetwork,
    head: Head,
    images: Sequence[MaskedImage],
    folder: Path,
    device: str,
    progress: Callable[[int], None] = lambda n_done: None,
) -> LocalizedPixels:
    """The outcomes of some photographs, pixel by pixel. Raises BoxesInvalid for a class that the network does not
    have, NetworkError for maps that are not finite.
    """
    _demand_classes(images, head)
    parts, unreadable = [], dict[str, str]()
    for first in range(0, len(images), BATCH):
        batch, truths, pixels = [], [], []
        for one in images[first : first + BATCH]:
            try:
                truth, decoded = draw_truth(one, folder, size_px=SIZE_PX), _decode(folder / one.path, network)
                _demand_masks(one, folder)
            except (ImageUnreadable, LabelMapUnreadable) as error:
                unreadable[one.path] = str(error)
                continue
            batch.append(one.class_index)
            truths.append(truth)
            pixels.append(decoded)
        if batch:
            seen = _see(network, head, batch, np.stack(pixels), device)
            maps = grow(seen.class_maps[:, :1], SIZE_PX, mode="bicubic")[:, 0]
            parts += [
                _judge_pixels(guessed == one, values, truth)
                for one, guessed, values, truth in zip(batch, seen.ranked, maps, truths, strict=True)
            ]
        progress(first + len(images[first : first + BATCH]))
    return LocalizedPixels(PixelOutcomes.join(parts) if parts else PixelOutcomes.of_none(), unreadable)


def _judge_pixels(is_right: torch.Tensor, values: NDArray[np.float32], truth: NDArray[np.uint8]) -> PixelOutcomes:
    return PixelOutcomes(
        top1=_flag(is_right[0]),
        top5=_flag(is_right.any()),
        pixels=count_pixels(scale(values), truth)[None],
        gaussian=count_gaussian(truth)[None],
    )


def _demand_classes(images: Sequence[BoxedImage] | Sequence[MaskedImage], head: Head) -> None:
    for one in images:
        if one.class_index >= head.n_classes:
            raise BoxesInvalid(
                f"{one.path} is of class {one.class_index}; the network has the classes 0 to {head.n_classes - 1}."
            )


@dataclass(frozen=True)
class _Seen:
    """Of B images: the classes by rank (B, n), and the maps of the true class, then of these (B, 1 + n, h, w)."""

    ranked: torch.Tensor
    class_maps: torch.Tensor


def _see(network: LoadedNetwork, head: Head, classes: Sequence[int], pixels: NDArray[np.uint8], device: str) -> _Seen:
    """Raises NetworkError."""
    images = normalize(pixels=torch.from_numpy(pixels).to(device), preprocessing=network.preprocessing)
    seen = run_with_maps(module=network.module, shape=head.shape, images=images)
    ranked = seen.scores.topk(min(N_GUESSES, head.n_classes), dim=1).indices
    true = torch.tensor(classes, device=ranked.device)
    class_maps = head.map_classes(seen.maps, torch.cat([true[:, None], ranked], dim=1))
    if not class_maps.isfinite().all():
        raise NetworkError("For these photographs the network gives values that are not finite numbers.")
    return _Seen(ranked.cpu(), class_maps)


def _decode(path: Path, network: LoadedNetwork) -> NDArray[np.uint8]:
    preprocessing = network.preprocessing
    return decode_image(path, input_px=preprocessing.input_px, resize="warp", interpolation=preprocessing.interpolation)


def _demand_masks(one: MaskedImage, folder: Path) -> None:
    for name in one.files()[1:]:
        if (size := read_mask_size(folder / name)) is not None:
            _demand_sides(folder / one.path, "masks", width=size[1], height=size[0])


def _demand_sides(photograph: Path, what: str, *, width: float, height: float) -> None:
    """Raises ImageUnreadable if the sides that its boxes or masks are for have another ratio than the upright ones."""
    upright = read_size(photograph)
    apart = math.log(width / height) - math.log(upright["width"] / upright["height"])
    # Another size is taken, if but for its rounding the ratio is the same.
    if abs(apart) > RATIO_TOLERANCE + 1 / min(width, height, *upright.values()):
        raise ImageUnreadable(
            f"upright it has {upright['width']} x {upright['height']} px, but its {what} are for {width:g} x "
            f"{height:g} px: if its EXIF orientation turns it, turn the {what}, or take the tag away"
        )


def _localize_batch(
    network: LoadedNetwork, head: Head, batch: Sequence[BoxedImage], pixels: NDArray[np.uint8], device: str
) -> Outcomes:
    seen = _see(network, head, [one.class_index for one in batch], pixels, device)
    px = network.preprocessing.input_px
    grown = grow(seen.class_maps, px)
    # V1 and V2 take this interpolation, too.
    smooth = grow(seen.class_maps[:, : 1 + len(AUTHORS_GUESSES)], px, mode=INTERPOLATIONS[AUTHORS])
    found = [
        _judge(one.boxes_in(px), (guessed == one.class_index).numpy(), maps, swept)
        for one, guessed, maps, swept in zip(batch, seen.ranked, grown, smooth, strict=True)
    ]
    return Outcomes.join(found)


def _judge(truth: Values, is_right: Flags, maps: NDArray[np.float32], smooth: NDArray[np.float32]) -> Outcomes:
    """Outcomes of one photograph: `maps` (1 + n, px, px) of its class, then of the guessed classes by rank. `smooth`
    (1 + 3, px, px) are the first of these, interpolated bicubically for V1, V2 and the authors' guesses.
    """
    px = maps.shape[1]
    boxed = [box_paper(one) for one in maps]
    boxes = [one.boxes[0] for one in boxed]
    by_paper = [finds(box, truth) for box in boxes]
    # A guess counts if the class is right and the box is.
    hits = [right and found for right, found in zip(is_right, by_paper[1:], strict=True)]
    by_authors = [
        finds(box, truth)
        for n_boxes, right, one in zip(AUTHORS_GUESSES, is_right, smooth[1:], strict=False)
        if right
        for box in box_authors(one).boxes[:n_boxes]
    ]
    v1, v2 = judge(sweep(smooth[0]), truth)
    return Outcomes(
        top1=_flag(is_right[0]),
        top5=_flag(is_right.any()),
        gt_known=_flag(by_paper[0]),
        top1_localization=_flag(hits[0]),
        top5_localization=_flag(any(hits)),
        top5_authors=_flag(any(by_authors)),
        center_box=_flag(finds(center_box(px), truth)),
        v1=pack_curves(v1[None]),
        v2=pack_curves(v2[None]),
        gaussian_v2=pack_curves(judge(_sweep_gaussian(px), truth)[1][None]),
        box=np.array(boxes[:1], dtype=np.int16),
        has_map=_flag(not boxed[0].note),
        overlap=np.array([overlap_of(boxes[0], truth)], dtype=np.float32),
    )


def _flag(value: object) -> Flags:
    return np.array([bool(value)])


@lru_cache(maxsize=2)
def _sweep_gaussian(px: int) -> list[Parts]:
    """It is the same for all photographs."""
    return sweep(center_gaussian(px))


def _no_outcomes() -> Outcomes:
    curves = np.zeros((0, len(V2_OVERLAPS), N_TAUS), dtype=bool)
    empty: dict[str, NDArray[Any]] = {one.name: curves[:, 0, 0] for one in fields(Outcomes)}
    empty |= {"v1": pack_curves(curves[:, 0]), "v2": pack_curves(curves), "gaussian_v2": pack_curves(curves)}
    empty |= {"box": np.zeros((0, 4), dtype=np.int16), "overlap": np.zeros(0, dtype=np.float32)}
    return Outcomes(**empty)
