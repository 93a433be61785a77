"""Sheets of tiles composed for one assignment, in its order: three images whose names and sizes tell nothing.

Every tile went through the same two JPEG encodings and the same grid, whether it is a top crop, a planted negative or a
whole photograph.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image as Pictures
from PIL.Image import Image as Picture

from annotator.crowd.models import HITUnit
from annotator.units.models import DissectedUnit
from annotator.units.photographs import read_tile
from annotator.units.strips import read_strip
from workers.engine.drawing.tiles import cut_tiles, encode_jpeg, lay_out
from workers.store import StoreError

COLUMNS = 5
TILES_PER_SHEET = 20
QUALITY = 82


class TilesMissing(Exception):
    """The crops of a unit, or photographs, are not in the artifact store."""


@dataclass(frozen=True)
class ShownTiles:
    """A unit of a HIT, and the ranks of its tiles in the order shown. `photographs`: number -> stored picture."""

    unit: HITUnit
    ranks: tuple[int, ...]
    photographs: Mapping[int, str] = field(default_factory=dict)


def count_sheets(n_tiles: int) -> int:
    return -(-n_tiles // TILES_PER_SHEET)


def count_all_sheets(tiles: Sequence[ShownTiles]) -> int:
    return sum(count_sheets(len(one.ranks)) for one in tiles)


def compose_sheet(*, tiles: Sequence[ShownTiles], number: int) -> bytes:
    """Sheet `number` as JPEG bytes, row-major, COLUMNS per row. Sheets are numbered through all units."""
    for one in tiles:
        n_sheets = count_sheets(len(one.ranks))
        if 0 <= number < n_sheets:
            chosen = one.ranks[number * TILES_PER_SHEET : (number + 1) * TILES_PER_SHEET]
            if one.photographs:
                return draw_sheet([_open_photograph(one.photographs[rank]) for rank in chosen])
            if one.unit.dissected_unit is None:
                raise TilesMissing(f"{one.unit} was imported and has no crops.")
            return draw_sheet(_cut(one.unit.dissected_unit, chosen))
        number -= n_sheets
    raise TilesMissing("There is no such sheet.")


def draw_sheet(tiles: Sequence[Picture]) -> bytes:
    """These tiles as JPEG bytes, row by row."""
    return encode_jpeg(lay_out(tiles, columns=COLUMNS), quality=QUALITY, optimize=True)


def _open_photograph(tile: str) -> Picture:
    try:
        with Pictures.open(io.BytesIO(read_tile(tile)), formats=["JPEG"]) as opened:
            return opened.convert("RGB")
    except (OSError, StoreError) as error:
        raise TilesMissing(f"A photograph cannot be shown. {error}") from error


def _cut(unit: DissectedUnit, ranks: Sequence[int]) -> list[Picture]:
    try:
        return cut_tiles(read_strip(artifact=unit.dissection.artifact, strip=unit.strip), ranks=ranks)
    except (OSError, StoreError) as error:
        raise TilesMissing(f"The crops of {unit} cannot be shown. {error}") from error
