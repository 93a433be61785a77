"""Walls of crops: the first tiles of a unit's strip as one picture."""

from functools import lru_cache

from annotator.units.strips import cut_tiles, encode_jpeg, lay_out, read_strip

GAP_PX = 2
BACKGROUND = (24, 28, 32)


@lru_cache(maxsize=512)
def compose_wall(*, artifact: str, strip: str, columns: int, rows: int) -> bytes:
    """The first columns x rows tiles, row by row, as a JPEG with narrow gaps. Raises StoreError, OSError."""
    tiles = cut_tiles(read_strip(artifact=artifact, strip=strip), ranks=range(columns * rows))
    return encode_jpeg(lay_out(tiles, columns=columns, rows=rows, gap_px=GAP_PX, background=BACKGROUND))
