"""What one shard of the pass has measured, and how shards are joined: in any order, any cut, with repeats, to the same
result.

A tally is saved as an npz of plain arrays; reading one executes nothing. The names of the arrays
are those of the fields of the measures' parts, which must differ.
"""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.artifact import Arrays
from workers.engine.format.mapped_arrays import map_npz, write_npz
from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images.packed_labels import PackedLabels, merge_labels
from workers.engine.measures.measure import Joining, list_measures
from workers.engine.measures.recorded import from_arrays, to_arrays
from workers.engine.networks.layer_maps import LayerShape

FORMAT = 1


class TallyError(Exception):
    """A tally cannot be read or joined; the message says why."""


@dataclass(frozen=True)
class LayerTally:
    """One layer over the tally's n images: by measure's name, what its watcher has collected."""

    shape: LayerShape
    parts: Mapping[str, Any]


@dataclass(frozen=True)
class Tally:
    """A run of the image set, measured. `key` tells dissections apart: only tallies of one key join.

    `images` (n,) ascending indices of the images that could be used; `quarantined` index and reason of the others;
    `seconds` by stage and `halvings` of the batch after running out of memory are records, no results. `spill`: where
    its large arrays lie.
    """

    key: str
    images: NDArray[np.int32]
    quarantined: tuple[tuple[int, str], ...]
    labels: PackedLabels | None
    layers: tuple[LayerTally, ...]
    seconds: dict[str, float]
    halvings: int = 0
    spill: Spill = IN_MEMORY

    def covered(self) -> set[int]:
        """Indices of all images this tally has tried."""
        return {*self.images.tolist(), *(index for index, _ in self.quarantined)}


def merge_tallies(tallies: Iterable[Tally], *, spill: Spill = IN_MEMORY) -> Tally:
    """Join tallies of one dissection; a repeated shard counts once. Raises TallyError if shards overlap in part
    or keys differ.
    """
    parts = _without_repeats(sorted(tallies, key=lambda tally: min(tally.covered(), default=-1)))
    if not parts:
        raise TallyError("There are no tallies to join.")
    if len({part.key for part in parts}) > 1:
        raise TallyError("The tallies come from different dissections and cannot be joined.")
    images = np.concatenate([part.images for part in parts])
    order = np.argsort(images, kind="stable")
    with_labels = [part.labels for part in parts if part.labels is not None]
    return Tally(
        key=parts[0].key,
        images=images[order],
        quarantined=tuple(sorted(entry for part in parts for entry in part.quarantined)),
        labels=merge_labels(with_labels, spill=spill) if with_labels else None,
        layers=tuple(
            _merge_layer(layers, Joining(layers[0].shape, [part.images for part in parts], order, spill))
            for layers in zip(*(part.layers for part in parts), strict=True)
        ),
        seconds={
            stage: sum(part.seconds.get(stage, 0.0) for part in parts) for part in parts for stage in part.seconds
        },
        halvings=sum(part.halvings for part in parts),
        spill=spill,
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


def _merge_layer(layers: Sequence[LayerTally], joining: Joining) -> LayerTally:
    measures = {measure.recorded.name: measure for measure in list_measures()}
    parts = {name: measures[name].merge([layer.parts[name] for layer in layers], joining) for name in layers[0].parts}
    return LayerTally(shape=joining.shape, parts=parts)


def save_tally(tally: Tally, path: Path) -> None:
    """Write the tally as an npz without pickles."""
    arrays: Arrays = {"images": tally.images}
    if tally.labels is not None:
        arrays |= {f"labels/{key}": array for key, array in to_arrays(tally.labels).items()}
    for i, layer in enumerate(tally.layers):
        for part in layer.parts.values():
            arrays |= {f"{i}/{key}": array for key, array in to_arrays(part, joint="/").items()}
    header = {
        "format": FORMAT,
        "key": tally.key,
        "quarantined": tally.quarantined,
        "layers": [vars(layer.shape) for layer in tally.layers],
        "seconds": tally.seconds,
        "halvings": tally.halvings,
    }
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    write_npz(arrays, path)


def load_tally(path: Path) -> Tally:
    """The inverse of save_tally. Its arrays stay in the file, which must not be changed; raises TallyError."""
    try:
        arrays = map_npz(path)
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != FORMAT:
            raise TallyError(f"The tally has format {header['format']}, this version reads {FORMAT}.")
        return _rebuild(header, arrays)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise TallyError(f"The tally cannot be read: {error}.") from None


def _rebuild(header: dict[str, Any], arrays: Arrays) -> Tally:
    packed = _within(arrays, "labels/")
    shapes = [LayerShape(**shape) for shape in header["layers"]]
    layers = (
        LayerTally(shape=shape, parts=_rebuild_parts(_within(arrays, f"{i}/"), shape)) for i, shape in enumerate(shapes)
    )
    return Tally(
        key=header["key"],
        images=arrays["images"],
        quarantined=tuple((int(index), str(reason)) for index, reason in header["quarantined"]),
        labels=PackedLabels(**packed) if packed else None,
        layers=tuple(layers),
        seconds=header["seconds"],
        halvings=header["halvings"],
    )


def _within(arrays: Arrays, start: str) -> Arrays:
    return {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}


def _rebuild_parts(own: Arrays, shape: LayerShape) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for measure in list_measures():
        part = None if measure.part is None else from_arrays(measure.part, own, joint="/")
        if part is not None:
            measure.check(part, shape)
            parts[measure.recorded.name] = part
    return parts
