"""Segments against plain loops, point by point; shapes lent to planted negatives stand nowhere else on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from tests.workers.engine import making
from tests.workers.engine.options import make_options
from workers.engine import complete, dissect
from workers.engine.drawing.crops import Box, Cut, Sizes, cut_segments
from workers.engine.drawing.segment_loop import loop_over_points
from workers.engine.drawing.segments import SegmentSource, find_segments
from workers.engine.format.artifact import read_artifact
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.tally import merge_tallies
from workers.engine.measures.top_images.arrays import TopImagesOptions
from workers.engine.networks.geometry import AxisGeometry, MapGeometry, spread_pixels

INPUT_PX = 48
GEOMETRY = MapGeometry(AxisGeometry(11, 8, 3.5), AxisGeometry(15, 6, 5.5))


def activation(seed: int) -> NDArray[np.float32]:
    return default_rng(seed).normal(size=(6, 7)).astype(np.float32)


def value_at(maps: NDArray[np.float32], row: float, column: float) -> float:
    """Bilinear between the centers of receptive fields, edges clamped: the definition, one point at a time."""
    y = min(max((row - GEOMETRY.rows.offset) / GEOMETRY.rows.stride, 0), maps.shape[0] - 1)
    x = min(max((column - GEOMETRY.columns.offset) / GEOMETRY.columns.stride, 0), maps.shape[1] - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, maps.shape[0] - 1), min(left + 1, maps.shape[1] - 1)
    above = maps[top, left] * (1 - (x - left)) + maps[top, right] * (x - left)
    below = maps[bottom, left] * (1 - (x - left)) + maps[bottom, right] * (x - left)
    return float(above * (1 - (y - top)) + below * (y - top))


def find(source: SegmentSource, maps: NDArray[np.float32], first_peak: float) -> NDArray[np.bool_]:
    rows, columns = Box(0, 0, INPUT_PX).points(24)
    asked = {"maps": maps[None], "first_peaks": np.array([first_peak]), "rows": rows[None], "columns": columns[None]}
    return find_segments(source=source, **asked)[0]


def test_an_upsampled_segment_is_what_lies_over_a_fifth_of_the_first_peak() -> None:
    maps, (rows, columns) = activation(1), Box(0, 0, INPUT_PX).points(24)
    found = find(SegmentSource("upsampled", GEOMETRY), maps, 4.0)
    wanted = np.array([[value_at(maps, row, column) for column in columns] for row in rows])
    # Rounding decides where a value equals the level to seven digits; no point of this map does.
    assert np.abs(wanted - 0.8).min() > 1e-6
    assert np.array_equal(found, wanted > 0.8)


@pytest.mark.parametrize("points", [1, 7, 32])
def test_compiled_loops_find_the_same_points(points: int) -> None:
    maps = default_rng(3).normal(size=(9, 6, 7)).astype(np.float32)
    maps[4], maps[5] = 0.5, -1
    sides = default_rng(4).integers(1, INPUT_PX, (9, 1))
    asked = {
        "source": SegmentSource("upsampled", GEOMETRY),
        "maps": maps,
        "first_peaks": np.linspace(-1, 9, 9),
        "rows": default_rng(5).integers(0, 20, (9, 1)) + spread_pixels(n_pixels=points, side_px=sides),
        "columns": default_rng(6).integers(0, 20, (9, 1)) + spread_pixels(n_pixels=points, side_px=sides),
    }
    found = find_segments(**asked)
    assert 0 < found.sum() < found.size
    assert np.array_equal(loop_over_points(**asked), found)


def test_a_disk_segment_is_the_union_of_disks_around_cells_over_half_the_maximum() -> None:
    maps, (rows, columns) = activation(2), Box(0, 0, INPUT_PX).points(24)
    source = SegmentSource("disk", GEOMETRY, mean_empirical_px=13.0)
    found = find(source, maps, 99.0)
    centers = [
        (GEOMETRY.rows.offset + y * GEOMETRY.rows.stride, GEOMETRY.columns.offset + x * GEOMETRY.columns.stride)
        for y in range(6)
        for x in range(7)
        if maps[y, x] > maps.max() / 2
    ]
    wanted = [[any((r - y) ** 2 + (c - x) ** 2 <= 6.5**2 for y, x in centers) for c in columns] for r in rows]
    assert np.array_equal(found, wanted)


def test_no_planted_negative_has_the_outline_of_a_top_crop(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(7), n_images=60)
    image_set, network = open_image_set(tmp_path / "set"), making.tiny_network(seed=1)
    options = make_options(n_top=20, n_low=3, tail=0.03, batch_size=10, tile_px=16)
    tally = dissect.measure_shard(
        network=network, layers=["4"], image_set=image_set, options=options, shard=dissect.Shard(0, 60)
    )
    stored: dict[str, bytes] = {}
    complete.complete(
        network=network, image_set=image_set, tally=merge_tallies([tally]), options=options, device="cpu",
        save=stored.__setitem__, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    arrays = read_artifact(stored.__getitem__).layer(0)
    n_compared = 0
    for masks, low, is_region in zip(arrays["tile_mask"], arrays["low_image"], arrays["tile_peak_region"], strict=True):
        top = {mask.tobytes() for mask in masks[: options.of(TopImagesOptions).n_top]}
        is_region = is_region[options.of(TopImagesOptions).n_top :][low >= 0]
        for mask, stands_in in zip(masks[options.of(TopImagesOptions).n_top :][low >= 0], is_region, strict=True):
            # A crop that is segment all over has no outline; disks around peaks are alike on top crops too.
            if 0 < np.unpackbits(mask).mean() < 1 and not stands_in:
                n_compared += 1
                assert mask.tobytes() not in top
    assert n_compared >= 4


def cut(maps: NDArray[np.float32], *, way: str = "upsampled", first_peak: float = 100.0, least: float = 12.0) -> Cut:
    source = SegmentSource(way, GEOMETRY, mean_empirical_px=0.0)
    first_peaks = np.array([first_peak])
    return cut_segments(source=source, maps=maps[None], first_peaks=first_peaks, sizes=Sizes(INPUT_PX, 24, least))[0]


@pytest.mark.parametrize("way", ["upsampled", "smoothed", "disk"])
def test_a_map_without_a_segment_shows_the_region_of_its_peak_and_says_so(way: str) -> None:
    maps = np.full((6, 7), -2, np.float32)
    maps[2, 4] = -1
    found = cut(maps, way=way)
    assert found.is_peak_region
    row, column = GEOMETRY.rows.center(2), GEOMETRY.columns.center(4)
    assert (found.box.top, found.box.left, found.box.side) == (round(row - 6), round(column - 6), 12)
    rows, columns = found.box.points(24)
    wanted = [[(r - row) ** 2 + (c - column) ** 2 <= 6**2 for c in columns] for r in rows]
    np.testing.assert_array_equal(found.mask, wanted)
    assert 0.5 < found.mask.mean() < 0.9, "not the whole crop"


def test_a_peak_at_the_edge_keeps_its_region_around_it() -> None:
    maps = np.zeros((6, 7), np.float32)
    maps[5, 6] = 1
    found = cut(maps)
    assert found.is_peak_region
    assert found.mask.any()
    assert found.box.top + found.box.side == found.box.left + found.box.side == INPUT_PX
    assert not cut(maps, first_peak=1.0).is_peak_region
