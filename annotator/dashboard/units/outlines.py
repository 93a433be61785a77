"""The edge of a unit's segment on each of its crops, as shapes that a browser lays over the tiles."""

import json
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from workers.engine.format.artifact import MANIFEST, ArtifactMalformed, unpack_arrays
from workers.store import open_store

Mask = npt.NDArray[np.bool_]


class NoOutline(Exception):
    """The dissection kept no segment masks for this unit."""


def draw_outlines(masks: npt.NDArray[np.bool_], *, n_tiles: int) -> str:
    """An SVG as tall as the tile sheet: (n, side, side) masks of the first n tiles, one under the other."""
    side = masks.shape[1]
    shapes = "".join(
        f'<path transform="translate(0 {rank * side})" d="{trace_edges(mask)}"/>' for rank, mask in enumerate(masks)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {n_tiles * side}" preserveAspectRatio="none" '
        'fill="none" stroke="#ffd84d" stroke-width="1.5">'
        f"<style>path{{vector-effect:non-scaling-stroke}}</style>{shapes}</svg>"
    )


def trace_edges(mask: Mask) -> str:
    """Every edge between a cell inside and one outside, runs joined; the crop's own border is no edge."""
    across = [f"M{start} {row + 1}h{length}" for row, start, length in _runs(mask[1:] != mask[:-1])]
    down = [f"M{column + 1} {start}v{length}" for column, start, length in _runs((mask[:, 1:] != mask[:, :-1]).T)]
    return "".join(across + down)


def _runs(changes: Mask) -> Iterable[tuple[int, int, int]]:
    """(line, first, length) of each unbroken run of changes along a line."""
    for line, row in enumerate(changes):
        steps = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        for start, end in zip(steps[::2], steps[1::2], strict=True):
            yield line, int(start), int(end - start)


def read_masks(*, artifact: str, layer_path: str, unit_index: int) -> Mask:
    """(n_top, side, side) of one unit. Raises StoreError if the artifact is gone, NoOutline without masks."""
    packed = _read_layer_masks(artifact, layer_path)
    if packed is None or unit_index >= len(packed):
        raise NoOutline(f"No segment masks are kept for {layer_path} unit {unit_index}.")
    return np.unpackbits(packed[unit_index], axis=-1).astype(bool)


@lru_cache(maxsize=4)
def _read_layer_masks(artifact: str, layer_path: str) -> npt.NDArray[np.uint8] | None:
    store = open_store(artifact)
    try:
        layers = json.loads(store.read(MANIFEST))["layers"]
        file = next((layer["file"] for layer in layers if layer["path"] == layer_path), None)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactMalformed(f"The artifact's manifest cannot be read: {error}.") from None
    return unpack_arrays(store.read(file)).get("tile_mask") if file else None
