"""What one shard of the pass has measured, and how shards are joined: in any order, any cut, with repeats, to the same
result.

A tally is saved as an npz of plain arrays; reading one executes nothing.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images.packed_labels import PackedLabels, merge_labels
from workers.engine.measures.thresholds.thresholds import SparseMaps, landmarks_of, merge_sparse
from workers.engine.networks.hooks import LayerShape

FORMAT = 1


class TallyError(Exception):
    """A tally cannot be read or joined; the message says why."""


@dataclass(frozen=True)
class LayerTally:
    """One layer over the tally's n images.

    `peaks` (n, U) and `peak_cells` (n, U) row-major places; `bound` (U,) below every unit's threshold; `cells` what may
    still exceed it; `top_images` (U, K) of this tally's images, -1 padded, best first, with their maps `top_maps` (U,
    K, h, w).
    """

    shape: LayerShape
    peaks: NDArray[np.float32]
    peak_cells: NDArray[np.int32]
    bound: NDArray[np.float32]
    cells: SparseMaps
    top_images: NDArray[np.int32]
    top_maps: NDArray[np.float32]


@dataclass(frozen=True)
class Tally:
    """A run of the image set, measured. `key` tells dissections apart: only tallies of one key join.

    `images` (n,) ascending indices of the images that could be used; `quarantined` index and reason of the others;
    `seconds` by stage and `halvings` of the batch after running out of memory are records, no results.
    """

    key: str
    images: NDArray[np.int32]
    quarantined: tuple[tuple[int, str], ...]
    labels: PackedLabels | None
    layers: tuple[LayerTally, ...]
    seconds: dict[str, float]
    halvings: int = 0

    def covered(self) -> set[int]:
        """Indices of all images this tally has tried."""
        return {*self.images.tolist(), *(index for index, _ in self.quarantined)}


def merge_tallies(tallies: Iterable[Tally], *, spill: Spill = IN_MEMORY) -> Tally:
    """Join tallies of one dissection; a repeated shard counts once. Raises TallyError where shards overlap in part
    or keys differ.
    """
    tallies = [_kept(tally, spill) for tally in tallies]
    parts = _without_repeats(sorted(tallies, key=lambda tally: min(tally.covered(), default=-1)))
    if not parts:
        raise TallyError("There are no tallies to join.")
    if len({part.key for part in parts}) > 1:
        raise TallyError("The tallies come from different dissections and cannot be joined.")
    if len(parts) == 1:
        return parts[0]
    images = np.concatenate([part.images for part in parts])
    order = np.argsort(images, kind="stable")
    with_labels = [part.labels for part in parts if part.labels is not None]
    return Tally(
        key=parts[0].key,
        images=images[order],
        quarantined=tuple(sorted(entry for part in parts for entry in part.quarantined)),
        labels=merge_labels(with_labels, spill=spill) if with_labels else None,
        layers=tuple(
            _merge_layer([part.layers[i] for part in parts], [part.images for part in parts], order, spill)
            for i in range(len(parts[0].layers))
        ),
        seconds={
            stage: sum(part.seconds.get(stage, 0.0) for part in parts) for part in parts for stage in part.seconds
        },
        halvings=sum(part.halvings for part in parts),
    )


def _without_repeats(tallies: list[Tally]) -> list[Tally]:
    kept: list[Tally] = []
    seen: set[int] = set()
    for tally in tallies:
        covered = tally.covered()
        if covered and covered <= seen:
            continue
        if covered & seen:
            raise TallyError(f"Two shards both hold image {min(covered & seen)} without one holding all of the other.")
        kept.append(tally)
        seen |= covered
    return kept


def _kept(tally: Tally, spill: Spill) -> Tally:
    layers = tuple(replace(layer, cells=layer.cells.kept(spill)) for layer in tally.layers)
    return replace(tally, layers=layers, labels=tally.labels and tally.labels.kept(spill))


def _merge_layer(
    layers: list[LayerTally], images: list[NDArray[np.int32]], order: NDArray[np.int64], spill: Spill
) -> LayerTally:
    bound = np.max([layer.bound for layer in layers], axis=0)
    top_images, top_maps = _merge_tops(layers, images)
    return LayerTally(
        shape=layers[0].shape,
        peaks=np.concatenate([layer.peaks for layer in layers])[order],
        peak_cells=np.concatenate([layer.peak_cells for layer in layers])[order],
        bound=bound,
        cells=merge_sparse(parts=[layer.cells for layer in layers], bound=bound, spill=spill),
        top_images=top_images,
        top_maps=top_maps,
    )


def _merge_tops(
    layers: list[LayerTally], images: list[NDArray[np.int32]]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    n_top = layers[0].top_images.shape[1]
    every_image = np.concatenate([layer.top_images for layer in layers], axis=1)
    every_peak = np.concatenate([_peaks_of(layer, own) for layer, own in zip(layers, images, strict=True)], axis=1)
    # Absent entries carry -inf; among equals the lower image index wins.
    order = np.lexsort((every_image, -every_peak), axis=1)[:, :n_top]
    source = [np.take_along_axis(every_image, order, axis=1), order // n_top, order % n_top]
    maps = np.empty((*order.shape, *layers[0].top_maps.shape[2:]), dtype=np.float32)
    for i, layer in enumerate(layers):
        unit, rank = np.nonzero(source[1] == i)
        maps[unit, rank] = layer.top_maps[unit, source[2][unit, rank]]
    return source[0].astype(np.int32), maps


def _peaks_of(layer: LayerTally, images: NDArray[np.int32]) -> NDArray[np.float32]:
    if len(images) == 0:
        return np.full(layer.top_images.shape, -np.inf, dtype=np.float32)
    rows = np.searchsorted(images, np.maximum(layer.top_images, images[0]))
    units = np.arange(len(layer.top_images))[:, None]
    return np.where(layer.top_images >= 0, layer.peaks[rows, units], np.float32(-np.inf))


def bounds_of(tally: Tally) -> dict[str, NDArray[np.float32]]:
    """By layer path the (U, 1, R) landmarks from which a shard measured later finds its first bound."""
    return {layer.shape.path: landmarks_of(maps=layer.cells, bound=layer.bound) for layer in tally.layers}


def save_tally(tally: Tally) -> bytes:
    """The tally as bytes of an npz without pickles."""
    arrays: dict[str, NDArray[Any]] = {"images": tally.images}
    if tally.labels is not None:
        arrays |= {f"labels/{field.name}": getattr(tally.labels, field.name) for field in fields(PackedLabels)}
    for i, layer in enumerate(tally.layers):
        for name in ("peaks", "peak_cells", "bound", "top_images", "top_maps"):
            arrays[f"{i}/{name}"] = getattr(layer, name)
        for field in fields(SparseMaps):
            arrays[f"{i}/cells/{field.name}"] = getattr(layer.cells, field.name)
    header = {
        "format": FORMAT,
        "key": tally.key,
        "quarantined": tally.quarantined,
        "layers": [vars(layer.shape) for layer in tally.layers],
        "seconds": tally.seconds,
        "halvings": tally.halvings,
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def load_tally(data: bytes) -> Tally:
    """The inverse of save_tally; raises TallyError."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != FORMAT:
            raise TallyError(f"The tally has format {header['format']}, this version reads {FORMAT}.")
        return _rebuild(header, arrays)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise TallyError(f"The tally cannot be read: {error}.") from None


def _rebuild(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Tally:
    labels = None
    if "labels/images" in arrays:
        labels = PackedLabels(**{field.name: arrays[f"labels/{field.name}"] for field in fields(PackedLabels)})
    layers = tuple(
        LayerTally(
            shape=LayerShape(**shape),
            cells=SparseMaps(**{field.name: arrays[f"{i}/cells/{field.name}"] for field in fields(SparseMaps)}),
            **{name: arrays[f"{i}/{name}"] for name in ("peaks", "peak_cells", "bound", "top_images", "top_maps")},
        )
        for i, shape in enumerate(header["layers"])
    )
    return Tally(
        key=header["key"],
        images=arrays["images"],
        quarantined=tuple((int(index), str(reason)) for index, reason in header["quarantined"]),
        labels=labels,
        layers=layers,
        seconds=header["seconds"],
        halvings=header["halvings"],
    )
