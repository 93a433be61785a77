"""The unusual files of the shared material: decoded, or counted with a reason; none ends a dissection."""

import subprocess
import sys
from pathlib import Path

import pytest

from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.readers.table import open_image_set
from workers.engine.networks.preprocessing import Preprocessing

BROKEN = {"html.jpg", "truncated.jpg", "zero.jpg"}


def test_unusual_files_are_decoded_or_counted_at_the_survey(shared: Path, tmp_path: Path) -> None:
    maker = shared / "data" / "cases" / "make_images.py"
    subprocess.run([sys.executable, str(maker), str(tmp_path / "set")], check=True)
    image_set = open_image_set(tmp_path / "set")
    assert {one.reason: one.examples for one in image_set.passed_over} == {
        "AppleDouble file": ("._ok001.jpg",),
        "ending .heic, which is not read": ("iphone.heic",),
        "name that is not UTF-8": (r"latin\xe9.jpg",),
        "no ending": ("noending",),
    }
    how, pixels, broken = Preprocessing(input_px=64, resize="warp"), {}, set()
    for index, path in enumerate(image_set.paths):
        try:
            pixels[path] = image_set.read_pixels(index, preprocessing=how)
        except ImageUnreadable:
            broken.add(path)
    assert broken == BROKEN
    assert pixels["float01.tif"].mean() == pytest.approx(127, abs=1)
    assert pixels["i16.png"].max() > 230
    # Turned upright, the same picture: its red rises from left to right, and then from top to bottom.
    unturned, turned = pixels["exif_none.jpg"][..., 0].astype(int), pixels["exif6.jpg"][..., 0].astype(int)
    assert unturned[:, 48:].mean() - unturned[:, :16].mean() > 100
    assert turned[48:].mean() - turned[:16].mean() > 100
    assert {"shot.avif", "photo.jfif", "photo.jpe", "avif_named.jpg", "cmyk.jpg", "la.png", "one.png"} <= pixels.keys()
