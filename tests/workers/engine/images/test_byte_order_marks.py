"""Tables of a labeled image set that Excel saved begin with a byte order mark."""

from pathlib import Path

import pytest
from numpy.random import default_rng

from tests.workers.engine import making
from workers.engine.images.readers.table import open_image_set


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("marked", ["label.csv", "category.csv", "index.csv"])
def test_a_table_with_a_byte_order_mark_is_read(tmp_path: Path, marked: str, encoding: str) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=4)
    plain = open_image_set(tmp_path / "set")
    file = tmp_path / "set" / marked
    file.write_bytes(file.read_text().encode(encoding))
    read = open_image_set(tmp_path / "set")
    assert read.labels == plain.labels
    assert read.paths == plain.paths
    assert read.find_map_size(0) == plain.find_map_size(0)
