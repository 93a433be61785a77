"""Cuts crops out of the tile sheets that dissections left in the artifact store."""

import io
from functools import lru_cache

from PIL import Image as Picture

from workers.store import open_store

GAP_PX = 2


def read_sheet(*, artifact: str, sheet: str) -> bytes:
    """The JPEG strip of one unit: tile r of n at y = r * tile_px, top crops by rank, then the low ones.

    Raises StoreError.
    """
    return open_store(artifact).read(f"tiles/{sheet[:2]}/{sheet}.jpg")


@lru_cache(maxsize=512)
def compose_wall(*, artifact: str, sheet: str, columns: int, rows: int) -> bytes:
    """The first columns x rows tiles of a sheet as one picture, row by row, with narrow gaps."""
    with Picture.open(io.BytesIO(read_sheet(artifact=artifact, sheet=sheet))) as strip:
        tile = strip.width
        n_tiles = min(columns * rows, strip.height // tile)
        step = tile + GAP_PX
        wall = Picture.new("RGB", (columns * step - GAP_PX, rows * step - GAP_PX), (24, 28, 32))
        top = strip.crop((0, 0, tile, n_tiles * tile)).convert("RGB")
        for rank in range(n_tiles):
            crop = top.crop((0, rank * tile, tile, (rank + 1) * tile))
            wall.paste(crop, ((rank % columns) * step, (rank // columns) * step))
    packed = io.BytesIO()
    wall.save(packed, "JPEG", quality=85)
    return packed.getvalue()
