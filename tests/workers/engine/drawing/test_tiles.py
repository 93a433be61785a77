"""Tiles of strips that others wrote."""

import io

import pytest
from PIL import Image

from workers.engine.drawing.tiles import cut_tiles


@pytest.mark.parametrize(("size", "kind"), [((8_100, 8_000), "JPEG"), ((64, 64), "GIF"), ((64, 64), "TIFF")])
def test_a_strip_that_unitscope_never_writes_is_not_decoded(size: tuple[int, int], kind: str) -> None:
    """64.8 megapixels in less than one megabyte; and formats whose decoders no strip needs."""
    written = io.BytesIO()
    Image.new("L", size).save(written, kind)
    with pytest.raises(OSError, match=r"larger than any|cannot identify"):
        cut_tiles(written.getvalue(), ranks=[0])
