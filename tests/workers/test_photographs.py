"""A stranger's photograph is decoded in a process of its own: upright, without metadata, bounded, or refused."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workers import contract
from workers.engine.images.decoding import ORIENTATION, ImageUnreadable
from workers.leases import Reporter
from workers.photographs import ROOT, clean, keep_photograph
from workers.store import open_store

# A process that reads a photograph and dies as the system kills one that takes too much memory.
KILLED = """
import os, signal
from workers import config
from workers.workplaces import open_workplace
with open_workplace(config.cache_folder() / "photograph") as folder:
    (folder / "photograph").write_bytes(b"of somebody's house")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def save(path: Path, size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> Path:
    Image.new(mode, size).save(path, **options)
    return path


def test_a_photograph_is_turned_upright_and_loses_its_metadata(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), dtype=np.uint8)
    pixels[:20] = (250, 20, 20)
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010E] = 6, "taken at my house"
    Image.fromarray(pixels).save(tmp_path / "lying.png", exif=exif)
    told = clean(tmp_path / "lying.png", tmp_path)
    assert told == {"width": 40, "height": 60, "remarks": []}
    for name in (contract.CLEAN_PHOTOGRAPH, contract.SHOWN_PHOTOGRAPH):
        assert b"my house" not in (tmp_path / name).read_bytes()
        with Image.open(tmp_path / name) as kept:
            assert (kept.size, len(kept.getexif()), kept.mode) == ((40, 60), 0, "RGB")
    with Image.open(tmp_path / contract.CLEAN_PHOTOGRAPH) as kept:
        assert (np.asarray(kept)[:, 30:] == (250, 20, 20)).all(), "the pixels are those of the file, turned"


def test_what_is_odd_is_remarked_on_and_what_is_no_photograph_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "print.jpg", mode="CMYK")
    (remark,) = clean(tmp_path / "print.jpg", tmp_path)["remarks"]
    assert "CMYK" in remark
    frames = [Image.new("RGB", (30, 30), color) for color in ("red", "green", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    (remark,) = clean(tmp_path / "moving.gif", tmp_path)["remarks"]
    assert remark == "The file holds 3 pictures: the first one was taken."
    told = clean(save(tmp_path / "thin.png", (1, 4000)), tmp_path)
    assert (told["width"], told["height"]) == (1, 4000)
    assert "sees little of it" in told["remarks"][0]
    with Image.open(tmp_path / contract.CLEAN_PHOTOGRAPH) as kept:
        assert kept.size == (1, 2048)
    (tmp_path / "words.jpg").write_text("no picture")
    whole = io.BytesIO()
    Image.new("RGB", (400, 400)).save(whole, "JPEG")
    (tmp_path / "half.jpg").write_bytes(whole.getvalue()[:500])
    for name, words in (("words.jpg", "not an image"), ("half.jpg", "cannot be decoded")):
        with pytest.raises(ImageUnreadable, match=words):
            clean(tmp_path / name, tmp_path)


def test_a_photograph_that_a_killed_process_left_is_gone_with_the_next_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNITSCOPE_CACHE", str(tmp_path / "cache"))
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, check=False)
    (left,) = (tmp_path / "cache").rglob("photograph")
    assert (done.returncode, left.read_bytes()) == (-signal.SIGKILL, b"of somebody's house")
    address = f"file://{tmp_path / 'question'}"
    store = open_store(address)
    store.write(contract.PHOTOGRAPH, save(tmp_path / "next.png").read_bytes())
    request = contract.QuestionRequest("one", "explain", "", "", None, address, attempt=1)
    keep_photograph(request, store, Reporter())
    assert store.exists(contract.CLEAN_PHOTOGRAPH)
    assert list((tmp_path / "cache").iterdir()) == []
