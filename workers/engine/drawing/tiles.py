"""Tiles of a unit's strip, and several of them as one picture. No torch."""

import io
from collections.abc import Iterable, Sequence

from PIL import Image as Picture

# A bundle brings strips that others wrote: few bytes may unpack to gigabytes.
MAX_STRIP_PIXELS = 64_000_000


def cut_tiles(strip: bytes, *, ranks: Iterable[int]) -> list[Picture.Image]:
    """The square tiles of these ranks, in this order, without ranks that the strip does not have. Raises OSError."""
    with Picture.open(io.BytesIO(strip), formats=["JPEG"]) as opened:
        if opened.width * opened.height > MAX_STRIP_PIXELS:
            raise OSError(f"A strip of {opened.width} x {opened.height} pixels is larger than any that is written.")
        picture = opened.convert("RGB")
    side = picture.width
    n_tiles = picture.height // side
    return [picture.crop((0, rank * side, side, (rank + 1) * side)) for rank in ranks if rank < n_tiles]


def lay_out(
    tiles: Sequence[Picture.Image],
    *,
    columns: int,
    rows: int | None = None,
    gap_px: int = 0,
    background: tuple[int, int, int] = (255, 255, 255),
) -> Picture.Image:
    """The tiles row by row. `rows` is as many as the tiles need unless it is given."""
    side = tiles[0].width
    step = side + gap_px
    n_rows = -(-len(tiles) // columns) if rows is None else rows
    picture = Picture.new("RGB", (columns * step - gap_px, n_rows * step - gap_px), background)
    for position, tile in enumerate(tiles):
        picture.paste(tile, (position % columns * step, position // columns * step))
    return picture


def encode_jpeg(picture: Picture.Image, *, quality: int = 85, optimize: bool = False) -> bytes:
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=quality, optimize=optimize)
    return encoded.getvalue()
