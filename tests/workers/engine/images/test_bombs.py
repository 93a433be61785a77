"""Small files that would become large in memory are refused before they are decoded; large ones take a bounded part."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.workers.engine import hostile
from workers.engine.format.artifact import ArtifactMalformed, unpack_arrays
from workers.engine.images.decoding import DECODING_BYTES, ImageUnreadable, decode_image
from workers.engine.images.label_maps import LabeledImage, LabelMapUnreadable, read_runs
from workers.engine.networks.saved_activations import SavedActivationsInvalid, open_saved

WAY = {"input_px": 32, "resize": "warp", "interpolation": "bilinear"}
MEASURE = """
import resource, sys
from pathlib import Path
from workers.engine.images.decoding import decode_image
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
decode_image(Path(sys.argv[1]), input_px=32, resize="warp", interpolation="bilinear")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_a_large_16_bit_image_takes_no_more_than_is_stated(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8000, 9000), dtype=np.uint16)).save(tmp_path / "gray.png")
    assert (tmp_path / "gray.png").stat().st_size < 1_000_000
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "gray.png")]
    taken = int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    assert taken < DECODING_BYTES


def test_what_would_take_more_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(hostile.png_claiming(9000, 8500, kind=hostile.GRAY_AND_ALPHA))
    with pytest.raises(ImageUnreadable, match=r"9000 x 8500 px of mode LA take [\d,]+ MB to decode"):
        decode_image(tmp_path / "a.png", **WAY)  # type: ignore[arg-type]


def test_gray_pictures_are_scaled_alike_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).integers(0, 4000, (60, 70)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    whole = decode_image(tmp_path / "a.png", **WAY)  # type: ignore[arg-type]
    monkeypatch.setattr("workers.engine.images.decoding.SCALED_VALUES", 17)
    np.testing.assert_array_equal(decode_image(tmp_path / "a.png", **WAY), whole)  # type: ignore[arg-type]


def test_label_maps_of_millions_of_pixels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(hostile.png_claiming(9000, 9000))
    row = LabeledImage(path="a.jpg", height=9000, width=9000, labels=((0, "a.png"),))
    with pytest.raises(LabelMapUnreadable, match="9000 x 9000 px have more than"):
        read_runs(folder=tmp_path, row=row, known=np.ones(3, dtype=bool))


def test_compressed_arrays_are_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", bytes(50_000_000))
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    with pytest.raises(ArtifactMalformed, match="larger than their file"):
        unpack_arrays((tmp_path / "a.npz").read_bytes())
    np.savez_compressed(tmp_path / "saved.npz", x=np.zeros((3, 4, 500, 500), dtype=np.float32))
    with pytest.raises(SavedActivationsInvalid, match="archive of arrays"):
        open_saved(tmp_path / "saved.npz")
