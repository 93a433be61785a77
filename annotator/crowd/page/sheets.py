"""Sheets of tiles composed for one assignment, in its order: three images whose names and sizes tell nothing.

Every tile went through the same two JPEG encodings and the same grid, whether it is a top crop or a planted negative.
"""

from collections.abc import Sequence

from PIL.Image import Image as Picture

from annotator.crowd.models import HIT
from annotator.units.strips import cut_tiles, encode_jpeg, lay_out, read_strip
from workers.store import StoreError

COLUMNS = 5
TILES_PER_SHEET = 20
QUALITY = 82


class TilesMissing(Exception):
    """The crops of a unit are not in the artifact store."""


def count_sheets(n_tiles: int) -> int:
    return -(-n_tiles // TILES_PER_SHEET)


def compose_sheet(*, hit: HIT, ranks: Sequence[int], number: int) -> bytes:
    """Sheet `number` of these tiles as JPEG bytes, row-major, COLUMNS a row."""
    unit = hit.dissected_unit
    if unit is None:
        raise TilesMissing(f"{hit} was imported and has no crops.")
    chosen = _slice(ranks, number)
    try:
        strip = read_strip(artifact=unit.dissection.artifact, strip=unit.strip)
        return draw_sheet(cut_tiles(strip, ranks=chosen))
    except (OSError, StoreError) as error:
        raise TilesMissing(f"The crops of {unit} are not in the artifact store.") from error


def draw_sheet(tiles: Sequence[Picture]) -> bytes:
    """These tiles as JPEG bytes, row by row."""
    return encode_jpeg(lay_out(tiles, columns=COLUMNS), quality=QUALITY, optimize=True)


def _slice(ranks: Sequence[int], number: int) -> Sequence[int]:
    if not 0 <= number < count_sheets(len(ranks)):
        raise TilesMissing(f"There is no sheet {number}.")
    return ranks[number * TILES_PER_SHEET : (number + 1) * TILES_PER_SHEET]
