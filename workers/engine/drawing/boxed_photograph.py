"""A photograph with the boxes of its objects and the box that a network's map gave, as a small JPEG. Pillow only."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageOps

SIDE_PX = 240
# Colorblind-safe: the photograph's boxes are light with a dark rim, the network's is orange.
TRUE_COLOR, RIM_COLOR, FOUND_COLOR = (255, 255, 255), (0, 0, 0), (230, 120, 0)


def draw_boxes(path: Path, shown: Mapping[str, Any]) -> bytes:
    """The photograph with `boxes` and `box`, in pixels of `width` x `height`; empty if it cannot be read any more."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""
    picture.thumbnail((SIDE_PX, SIDE_PX))
    across, down = picture.width / shown["width"], picture.height / shown["height"]
    pen = ImageDraw.Draw(picture)

    def frame(box: list[float], color: tuple[int, int, int], width: int) -> None:
        x0, y0, x1, y1 = box
        left, top = min(x0 * across, picture.width - 1), min(y0 * down, picture.height - 1)
        pen.rectangle((left, top, max(left, x1 * across - 1), max(top, y1 * down - 1)), outline=color, width=width)

    for box in shown["boxes"]:
        frame(box, RIM_COLOR, 4)
        frame(box, TRUE_COLOR, 2)
    frame(shown["box"], FOUND_COLOR, 3)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=80)
    return content.getvalue()
