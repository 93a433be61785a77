"""Nothing that a HIT page shows, apart from the pictured content, tells planted negatives from top crops.

Assignments are composed from a real dissection's tiles by the page's own code, and each feature's area under the curve
is measured, folded over .5. UNITSCOPE_LEAK_ASSIGNMENTS says over how many (the drill: 2,000).
"""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.crowd.hit_types.tile_order import TileOrder, draw_order
from annotator.crowd.page.sheets import COLUMNS, TILES_PER_SHEET, draw_sheet
from annotator.crowd.seeds import derive_seed
from tests.annotator.crowd.leaking import auc
from workers.engine.drawing.tiles import cut_tiles
from workers.engine.format.artifact import Artifact, read_artifact
from workers.store import open_store

N_ASSIGNMENTS = int(os.environ.get("UNITSCOPE_LEAK_ASSIGNMENTS", "160"))
MAX_AREA = 0.55


class Unit:
    """One unit's tiles, and what was done to each: where its box lies, how much of it is dimmed."""

    def __init__(self, artifact: Artifact, arrays: dict[str, NDArray[Any]], index: int) -> None:
        self.top = [int(rank) for rank in np.flatnonzero(arrays["top_image"][index] >= 0)]
        n_top = arrays["top_image"].shape[1]
        self.low = [n_top + int(place) for place in np.flatnonzero(arrays["low_image"][index] >= 0)]
        self.box = arrays["tile_box"][index]
        self.mask = np.unpackbits(arrays["tile_mask"][index], axis=-1).astype(bool)
        self.likeness = _likeness(self.mask.reshape(len(self.mask), -1).astype(np.float32))
        self.tiles = cut_tiles(artifact.strip(str(arrays["tile_sheet"][index])), ranks=range(n_top + len(self.low)))

    def draw(self, number: int, person: int) -> TileOrder:
        seed = derive_seed("hit", number, f"A{person}")
        return draw_order(seed=seed, top_ranks=self.top, low_ranks=self.low, n_planted=3)

    def show(self, order: TileOrder) -> Iterator[dict[str, float]]:
        """What can be seen of each crop without looking at its picture, in the page's order."""
        n = len(order.shown_ranks)
        sheets = [order.shown_ranks[first : first + TILES_PER_SHEET] for first in range(0, n, TILES_PER_SHEET)]
        n_bytes = [len(draw_sheet([self.tiles[rank] for rank in ranks])) for ranks in sheets]
        shown = np.array(order.shown_ranks)
        for position, rank in enumerate(order.shown_ranks):
            left, top, side = (float(value) for value in self.box[rank])
            yield {
                "position": position,
                "row": position // 10,
                "column": position % 10,
                "place in the sheet": position % TILES_PER_SHEET,
                "column of the sheet": position % COLUMNS,
                "request": position // TILES_PER_SHEET,
                "bytes of the sheet": n_bytes[position // TILES_PER_SHEET],
                "box left": left,
                "box top": top,
                "box side": side,
                "share dimmed": 1 - float(self.mask[rank].mean()),
                "likest outline on the page": float(np.delete(self.likeness[rank, shown], position).max()),
            }


def _likeness(outlines: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, n): intersection over union of every two of (n, px * px) outlines, 1 where both are empty."""
    both = outlines @ outlines.T
    sizes = outlines.sum(axis=1)
    either = sizes[:, None] + sizes[None, :] - both
    return np.where(either > 0, both / np.maximum(either, 1), np.float32(1))


def test_no_feature_tells_planted_negatives_from_top_crops(dissection: dict[str, Any]) -> None:
    artifact = read_artifact(open_store(dissection["artifact"]).read)
    arrays = artifact.layer(0)
    units = [Unit(artifact, arrays, index) for index in range(len(arrays["top_image"]))]
    planted: dict[str, list[float]] = {}
    others: dict[str, list[float]] = {}
    for number in range(N_ASSIGNMENTS):
        unit = units[number % len(units)]
        order = unit.draw(number % len(units), number)
        for rank, features in zip(order.shown_ranks, unit.show(order), strict=True):
            for name, value in features.items():
                (planted if rank in order.planted_ranks else others).setdefault(name, []).append(value)
    assert len(planted["position"]) == 3 * N_ASSIGNMENTS
    found = {name: auc(planted[name], others[name]) for name in planted}
    worst = max(found, key=lambda name: found[name])
    print(f"largest area under the curve {found[worst]:.3f} ({worst}) of {len(found)} features")
    assert max(found.values()) <= MAX_AREA, found
