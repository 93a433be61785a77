"""Small drawings inside a page, as shapes for an SVG in the template: no script, and they follow the theme."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    words: str
    is_beyond: bool


@dataclass(frozen=True)
class Histogram:
    """Counts of peaks over the image set; `rule_x` is the threshold's place, None if it is outside the range."""

    bars: list[Bar]
    rule_x: float | None
    low: float
    high: float


WIDTH, HEIGHT = 320.0, 90.0


def draw_histogram(*, counts: Sequence[int], low: float, high: float, threshold: float) -> Histogram:
    """Bars of equal width from low to high; heights are square roots, so that a long tail stays visible."""
    step = WIDTH / max(1, len(counts))
    tallest = max(counts, default=0) ** 0.5 or 1.0
    span = high - low
    bars = []
    for position, count in enumerate(counts):
        start, end = (low + span * (position + side) / len(counts) for side in (0, 1))
        height = HEIGHT * count**0.5 / tallest
        words = f"{count} images with a peak from {start:.3g} to {end:.3g}"
        bars.append(Bar(position * step, HEIGHT - height, max(1.0, step - 1.5), height, words, start >= threshold))
    inside = span > 0 and low <= threshold <= high
    return Histogram(bars, WIDTH * (threshold - low) / span if inside else None, low, high)
