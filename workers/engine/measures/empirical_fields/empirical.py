"""Empirical receptive fields: how far around its peak an occluder still changes a unit, averaged over its top
images.

[ZKLOT15] 3.2, docs/measures.md, Empirical receptive field. A patch of random values visits every position of a grid;
the absolute change of the activation at the peak location is written at the patch's center; maps are shifted so that
the peak location stands in the center, and averaged over the images that cover a place. Size: side of the square whose
area equals that of the averaged map above `level` of its maximum.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from workers.engine.measures.empirical_fields.arrays import MIN_IMAGES
from workers.engine.measures.empirical_fields.occlusion import Occluders, Peak, cone_changes
from workers.engine.measures.top_images.topk import seeded_order
from workers.engine.networks.chain import ChainBroken, Step, find_chain
from workers.engine.networks.geometry import MapGeometry
from workers.engine.networks.hooks import reading
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork, normalize

NAIVE_BATCH = 32


@dataclass(frozen=True)
class OcclusionOptions:
    """A size_px square patch every stride_px; `level` of the maximum that bounds a field; `least` images that a unit
    and a place need.
    """

    size_px: int = 11
    stride_px: int = 3
    level: float = 0.5
    seed: int = 0
    least: int = MIN_IMAGES


# By image and peak, the units that are asked about there.
PeakTasks = Mapping[int, Mapping[Peak, list[int]]]


def plan_peaks(*, top_image: NDArray[np.int32], top_location: NDArray[np.int16], n_images: int) -> PeakTasks:
    """Group the first n_images of (U, K) top images and (U, K, 2) peak locations by image and place, so that one
    recomputation serves all units there.
    """
    by_image: dict[int, dict[Peak, list[int]]] = defaultdict(lambda: defaultdict(list))
    for unit, rank in np.argwhere(top_image[:, :n_images] >= 0):
        row, column = top_location[unit, rank].tolist()
        by_image[int(top_image[unit, rank])][row, column].append(int(unit))
    return dict(sorted(by_image.items()))


def make_occluders(*, network: LoadedNetwork, options: OcclusionOptions) -> Occluders:
    """Patches of random pixels, drawn again for each position by the seed, the same for every image."""
    px, size = network.preprocessing.input_px, options.size_px
    starts = torch.arange(0, px - size + 1, options.stride_px)
    rows, columns = (one.flatten() for one in torch.meshgrid(starts, starts, indexing="ij"))
    keys = seeded_order(seed=options.seed, stream=0, n=len(rows) * size * size * 3)
    pixels = torch.from_numpy((keys % np.uint64(256)).astype(np.uint8)).view(len(rows), size, size, 3).to(rows.device)
    patches = normalize(pixels=pixels, preprocessing=network.preprocessing).permute(0, 2, 3, 1).contiguous()
    return Occluders(patches=patches, rows=rows, columns=columns)


def estimate_fields(
    *,
    network: LoadedNetwork,
    shape: LayerShape,
    geometry: MapGeometry,
    tasks: PeakTasks,
    read_pixels: Callable[[int], NDArray[np.uint8]],
    options: OcclusionOptions,
    progress: Callable[[int], None],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(U, side, side) averaged discrepancy maps, one place per stride_px, peak in the center, and (U,) sizes in pixels;
    `progress` gets the number of images done.

    A network whose way to the layer is no chain of windows is computed whole for every occluder: the same
    numbers, slowly.
    """
    device = next(network.module.parameters()).device
    with device:  # whatever is made on the way lies where the network does
        occluders = make_occluders(network=network, options=options)
        n = int(len(occluders.rows) ** 0.5)
        total = np.zeros((shape.n_units, 2 * n - 1, 2 * n - 1), dtype=np.float64)
        covered = np.zeros_like(total)
        steps: list[Step] | None = None
        for done, (index, peaks) in enumerate(tasks.items(), start=1):
            pixels = torch.from_numpy(np.array(read_pixels(index)))[None].to(device)
            image = normalize(pixels=pixels, preprocessing=network.preprocessing)
            steps = find_steps(network=network, shape=shape, image=image) if steps is None else steps
            changes = peak_changes(
                network=network, shape=shape, image=image, peaks=list(peaks), occluders=occluders, steps=steps
            )
            for change, (peak, units) in zip(changes, peaks.items(), strict=True):
                rows, columns = (
                    slice(n - 1 - center, 2 * n - 1 - center)
                    for center in (
                        _grid_place(axis.center(cell), options, n)
                        for axis, cell in zip((geometry.rows, geometry.columns), peak, strict=True)
                    )
                )
                total[units, rows, columns] += change[:, units].T.reshape(len(units), n, n).cpu().numpy()
                covered[units, rows, columns] += 1
            progress(done)
    return average(total=total, covered=covered, n_images=count_images(tasks, shape.n_units), options=options)


def count_images(tasks: PeakTasks, n_units: int) -> NDArray[np.int64]:
    """(U,) the number of images on which each unit is occluded."""
    units = [unit for peaks in tasks.values() for own in peaks.values() for unit in own]
    return np.bincount(units, minlength=n_units)


def average(
    *, total: NDArray[np.float64], covered: NDArray[np.float64], n_images: NDArray[np.int64], options: OcclusionOptions
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(U, side, side) averaged maps and (U,) sizes in pixels, of summed changes and of how many images cover a place.

    A place that fewer images cover than `least` is left out (0); a unit with fewer images has no size (NaN).
    """
    enough = covered >= options.least
    maps = np.where(enough, total / np.maximum(covered, 1), 0.0)
    above = maps > options.level * maps.max(axis=(1, 2), keepdims=True)
    sizes = np.sqrt(above.sum(axis=(1, 2))) * options.stride_px
    sizes[n_images < options.least] = np.nan
    return maps.astype(np.float32), sizes.astype(np.float32)


def encode_field(averaged: NDArray[np.float32]) -> tuple[str, bytes]:
    """One (side, side) averaged map as (sha256 hex of the bytes, bytes) of a gray PNG, white at its maximum."""
    shown = averaged * (np.float32(255) / max(averaged.max(), np.finfo(np.float32).tiny))
    buffer = io.BytesIO()
    Image.fromarray(shown.round().astype(np.uint8)).save(buffer, format="PNG")
    return hashlib.sha256(buffer.getvalue()).hexdigest(), buffer.getvalue()


def _grid_place(center_px: float, options: OcclusionOptions, n: int) -> int:
    """The occluder whose center lies nearest to a pixel."""
    return min(max(0, round((center_px - (options.size_px - 1) / 2) / options.stride_px)), n - 1)


def find_steps(*, network: LoadedNetwork, shape: LayerShape, image: torch.Tensor) -> list[Step]:
    """The steps to the layer; empty where the way is no chain, or the layer's axes lie in another order."""
    if not shape.is_plain:
        return []
    try:
        return find_chain(module=network.module, path=shape.path, image=image)
    except ChainBroken:
        return []


def peak_changes(
    *,
    network: LoadedNetwork,
    shape: LayerShape,
    image: torch.Tensor,
    peaks: Sequence[Peak],
    occluders: Occluders,
    steps: list[Step] | None = None,
) -> torch.Tensor:
    """(n_peaks, n_occluders, U) absolute changes of the activations at each peak of a (1, 3, px, px) image."""
    steps = find_steps(network=network, shape=shape, image=image) if steps is None else steps
    if not steps:
        return naive_changes(network=network, shape=shape, image=image, peaks=peaks, occluders=occluders)
    return cone_changes(steps=steps, image=image, peaks=peaks, occluders=occluders)


def naive_changes(
    *, network: LoadedNetwork, shape: LayerShape, image: torch.Tensor, peaks: Sequence[Peak], occluders: Occluders
) -> torch.Tensor:
    """The same by whole forward passes, one for every occluder: the definition itself."""
    seen: list[torch.Tensor] = []

    def keep(_path: str, maps: torch.Tensor) -> None:
        seen.append(torch.stack([maps[:, :, row, column] for row, column in peaks]))

    size = occluders.size
    with reading(module=network.module, shapes=[shape], consume=keep) as run:
        run(image)
        for chunk in torch.split(torch.arange(len(occluders.rows)), NAIVE_BATCH):
            copies = image.repeat(len(chunk), 1, 1, 1).contiguous(memory_format=torch.channels_last)
            for copy, i in zip(copies, chunk.tolist(), strict=True):
                row, column = int(occluders.rows[i]), int(occluders.columns[i])
                copy[:, row : row + size, column : column + size] = occluders.patches[i].permute(2, 0, 1)
            run(copies)
    return (torch.cat(seen[1:], dim=1) - seen[0]).abs()
