"""What lies outside a segment stays visible in dark crops, and is dimmed as ever in bright ones."""

import numpy as np
import pytest

from workers.engine.drawing.dimming import AUTO, FIXED, dim
from workers.engine.drawing.dimming_loop import loop_over_pixels

SEGMENT = np.zeros((8, 8), dtype=np.bool_)
SEGMENT[2:6, 2:6] = True


@pytest.mark.parametrize(
    ("dimming", "gray", "expected"),
    [(FIXED, 50, 10), (FIXED, 250, 50), (AUTO, 50, 25), (AUTO, 100, 40), (AUTO, 250, 50), (AUTO, 0, 0)],
)
def test_the_share_that_is_kept_follows_the_crops_own_brightness(dimming: str, gray: int, expected: int) -> None:
    crop = np.full((3, 8, 8), gray, dtype=np.uint8)
    crop[:, SEGMENT] = 255 - gray  # what the segment shows does not count
    shown = dim(crop, SEGMENT, dimming=dimming)
    assert (shown[:, SEGMENT] == 255 - gray).all()
    assert np.abs(shown[:, ~SEGMENT].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("dimming", [FIXED, AUTO])
def test_a_compiled_loop_dims_to_the_same_bytes(dimming: str) -> None:
    rng = np.random.default_rng(0)
    for brightness, share in ((1.0, 0.5), (0.4, 0.1), (0.1, 0.9), (1.0, 0.0), (1.0, 1.0)):
        crop = (rng.integers(0, 256, (3, 40, 40)) * brightness).astype(np.uint8)
        segment = rng.random((40, 40)) < share
        dimmed = np.empty_like(crop)
        loop_over_pixels(crop, segment, dimming=dimming, dimmed=dimmed)
        assert np.array_equal(dimmed, dim(crop, segment, dimming=dimming))


def test_green_is_brighter_than_blue_and_a_crop_that_is_all_segment_stays() -> None:
    green, blue = np.zeros((2, 3, 8, 8), dtype=np.uint8)
    green[1], blue[2] = 200, 200
    shown = [dim(crop, SEGMENT, dimming=AUTO).max(axis=0)[0, 0] for crop in (green, blue)]
    assert shown == [68, 100]  # 200 * 40 / 117.4, and half
    assert (dim(green, np.ones_like(SEGMENT), dimming=AUTO) == green).all()


def test_a_fifth_of_each_level_is_kept_without_its_remainder() -> None:
    levels = np.tile(np.arange(256, dtype=np.uint8), (3, 1, 1))
    outside = np.zeros((1, 256), dtype=np.bool_)
    assert (dim(levels, outside, dimming=FIXED) == levels // 5).all()
