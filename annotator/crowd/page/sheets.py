"""Sheets of tiles composed for one assignment, in its order: three images whose names and sizes tell nothing.

Every tile went through the same two JPEG encodings and the same grid, whether it is a top crop or a planted negative.
"""

import functools
import io
from collections.abc import Sequence

from PIL import Image as Pixels

from annotator.crowd.models import HIT
from annotator.units.models import DissectedUnit
from workers.store import StoreError, open_store

COLUMNS = 5
TILES_PER_SHEET = 20
QUALITY = 82


class TilesMissing(Exception):
    """The crops of a unit are not in the artifact store."""


def count_sheets(n_tiles: int) -> int:
    return -(-n_tiles // TILES_PER_SHEET)


def find_tile_name(sha256: str) -> str:
    return f"tiles/{sha256[:2]}/{sha256}.jpg"


@functools.lru_cache(maxsize=32)
def read_strip(root: str, name: str) -> bytes:
    """A unit's JPEG strip; kept, because each of an assignment's sheets needs it within a second."""
    return open_store(root).read(name)


def compose_sheet(*, hit: HIT, ranks: Sequence[int], number: int) -> bytes:
    """Sheet `number` of these tiles as JPEG bytes, row-major, COLUMNS a row."""
    unit = hit.dissected_unit
    if unit is None:
        raise TilesMissing(f"{hit} was imported and has no crops.")
    return lay_out(strip=_open_strip(unit), ranks=_slice(ranks, number), tile_px=unit.tile_px)


def lay_out(*, strip: Pixels.Image, ranks: Sequence[int], tile_px: int) -> bytes:
    n_rows = -(-len(ranks) // COLUMNS)
    sheet = Pixels.new("RGB", (COLUMNS * tile_px, n_rows * tile_px), (255, 255, 255))
    for position, rank in enumerate(ranks):
        tile = strip.crop((0, rank * tile_px, tile_px, (rank + 1) * tile_px))
        sheet.paste(tile, (position % COLUMNS * tile_px, position // COLUMNS * tile_px))
    encoded = io.BytesIO()
    sheet.save(encoded, "JPEG", quality=QUALITY, optimize=True)
    return encoded.getvalue()


def _slice(ranks: Sequence[int], number: int) -> Sequence[int]:
    if not 0 <= number < count_sheets(len(ranks)):
        raise TilesMissing(f"There is no sheet {number}.")
    return ranks[number * TILES_PER_SHEET : (number + 1) * TILES_PER_SHEET]


def _open_strip(unit: DissectedUnit) -> Pixels.Image:
    try:
        strip = Pixels.open(io.BytesIO(read_strip(unit.dissection.artifact, find_tile_name(unit.strip))))
        return strip.convert("RGB")
    except (OSError, StoreError) as error:
        raise TilesMissing(f"The crops of {unit} are not in the artifact store.") from error
