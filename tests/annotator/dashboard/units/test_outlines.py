"""Outlines: every edge between inside and outside, once, and nothing else."""

import re

import numpy as np
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotator.dashboard.units.outlines import draw_outlines, trace_edges
from tests.annotator.dashboard.making import World
from workers.engine.format.artifact import pack_arrays
from workers.store import open_store

STEP = re.compile(r"M(\d+) (\d+)([hv])(\d+)")


def unit_edges(path: str) -> list[tuple[int, int, str]]:
    """A path as unit steps: (x, y, direction)."""
    steps = []
    for x, y, way, length in STEP.findall(path):
        for i in range(int(length)):
            steps.append((int(x) + i * (way == "h"), int(y) + i * (way == "v"), way))
    return steps


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_the_path_is_the_edges_found_cell_by_cell(mask: np.ndarray) -> None:
    expected = []
    height, width = mask.shape
    for y in range(height):
        for x in range(width):
            if y + 1 < height and mask[y, x] != mask[y + 1, x]:
                expected.append((x, y + 1, "h"))
            if x + 1 < width and mask[y, x] != mask[y, x + 1]:
                expected.append((x + 1, y, "v"))
    assert sorted(unit_edges(trace_edges(mask))) == sorted(expected)


def test_runs_are_joined() -> None:
    mask = np.zeros((6, 6), bool)
    mask[2:4, 1:5] = True
    assert sorted(STEP.findall(trace_edges(mask))) == [
        ("1", "2", "h", "4"),
        ("1", "2", "v", "2"),
        ("1", "4", "h", "4"),
        ("5", "2", "v", "2"),
    ]


def test_the_drawing_is_as_tall_as_the_sheet() -> None:
    drawn = draw_outlines(np.zeros((3, 32, 32), bool), n_tiles=5)
    assert 'viewBox="0 0 32 160"' in drawn
    assert drawn.count("<path") == 3


def test_outlines_are_read_from_the_artifact(world: World, viewer: Client) -> None:
    row = world.units()[2]
    address = f"/crops/{row.dissection_id}/{row.strip}.svg"
    assert viewer.get(address).status_code == 404
    masks = np.zeros((6, 12, 32, 32), bool)
    masks[2, 4, 8:16, 8:16] = True
    store = open_store(world.dissection.artifact)
    store.write("manifest.json", b'{"layers": [{"path": "features.3", "file": "layer-0.npz"}]}')
    store.write("layer-0.npz", pack_arrays({"tile_mask": np.packbits(masks, axis=-1)}))
    response = viewer.get(address)
    assert response.headers["Content-Type"] == "image/svg+xml"
    paths = re.findall(r'd="([^"]*)"', response.content.decode())
    assert [bool(path) for path in paths] == [rank == 4 for rank in range(12)]
    assert len(unit_edges(paths[4])) == 32


@pytest.mark.parametrize("name", ["0" * 64, "f" * 64])
def test_an_unknown_sheet_has_no_outlines(world: World, viewer: Client, name: str) -> None:
    assert viewer.get(f"/crops/{world.dissection.pk}/{name}.svg").status_code == 404
