"""A unit's first crops as one picture, each with its rank."""

import re
from collections.abc import Iterable
from pathlib import Path

from PIL import ImageDraw, ImageFont
from PIL.Image import Image as Picture

from annotator.units.models import DissectedUnit
from annotator.units.strips import read_strip
from workers.engine.drawing.tiles import cut_tiles, encode_jpeg, lay_out
from workers.store import StoreError

N_CROPS, COLUMNS, GAP_PX = 12, 6, 2
# Smaller tiles leave no room for a number.
MIN_TILE_PX = 32


def make_anchor(*, layer: str, index: int) -> str:
    """Stays the same whatever is labeled later: `unit-features.10-7`, zero-based."""
    return f"unit-{re.sub(r'[^A-Za-z0-9._-]', '_', layer)}-{index}"


def write_crops(units: Iterable[DissectedUnit], folder: Path) -> set[str]:
    """Anchors of the units whose first crops could be read; one JPEG each. Units need their unit's layer."""
    written = set()
    for row in units:
        anchor = make_anchor(layer=row.unit.layer.path, index=row.unit.index)
        try:
            strip = read_strip(artifact=row.dissection.artifact, strip=row.strip)
            tiles = cut_tiles(strip, ranks=range(min(N_CROPS, row.n_top)))
        except (StoreError, OSError):
            continue
        folder.mkdir(exist_ok=True)
        numbered = [_number(tile, rank) for rank, tile in enumerate(tiles, start=1)]
        in_rows = lay_out(numbered, columns=min(COLUMNS, len(numbered)), gap_px=GAP_PX)
        (folder / f"{anchor}.jpg").write_bytes(encode_jpeg(in_rows))
        written.add(anchor)
    return written


def _number(tile: Picture, rank: int) -> Picture:
    """The tile with its rank in the corner."""
    numbered = tile.convert("RGB")
    if numbered.width < MIN_TILE_PX:
        return numbered
    drawing, size = ImageDraw.Draw(numbered), max(9, numbered.width // 8)
    font = ImageFont.load_default(size)
    _, _, right, bottom = drawing.textbbox((3, 1), str(rank), font=font)
    drawing.rectangle((0, 0, right + 3, bottom + 2), fill="white")
    drawing.text((3, 1), str(rank), fill="black", font=font)
    return numbered
