"""What a read-out says of a photograph as one picture: the map on the left, words and units on the right."""

from typing import Any

from annotator.readouts.models import Readout
from annotator.readouts.showing import Shown
from workers.engine.drawing.explanation import draw_reading


def draw_shown(shown: Shown, *, photograph: bytes, readout: Readout) -> bytes:
    """A PNG."""
    size = shown.photograph
    title = f"{shown.prediction}  {shown.score:.2f}" if isinstance(shown.prediction, str) else f"{shown.score:+.3f}"
    if shown.image_score is not None:
        title += f" = {shown.image_score:.2f} [image] + {shown.score - shown.image_score:.2f} [word]"
    answer: dict[str, Any] = {
        "photograph": size,
        "seen": [0, 0, size["width"], size["height"]],
        "map": shown.map,
        "units": shown.units,
        "title": f"{title}{'  (toy)' if readout.is_toy else ''}",
        "words": shown.words or [],
    }
    return draw_reading(answer, photograph=photograph)
