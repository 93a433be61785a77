"""Small files that unfold to gigabytes: each is read or refused in words, in a process whose memory stays bounded."""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from annotator.processes import ROOT

# What reading one file may take beyond what the process had before. Decoding may take 768 MiB.
MAX_GROWTH_MB = 900
# Reads one file as the product does and prints what it said and by how much the process grew, in MB.
READ = """
import json, sys
from pathlib import Path
import numpy as np
from workers.engine.format.artifact import ArtifactMalformed, unpack_arrays
from workers.engine.images.decoding import ImageUnreadable, decode_image, decode_upright
from workers.engine.images.label_maps import LabelMapUnreadable, read_label_map
from workers.engine.images.mask_files import read_mask
kind, path = sys.argv[1], Path(sys.argv[2])
read = {
    "image": lambda: decode_image(path, input_px=224, resize="crop", interpolation="bilinear"),
    "upright": lambda: decode_upright(path, max_px=2048),
    "map": lambda: read_label_map(path, height=112, width=112),
    "mask": lambda: read_mask(path),
    "arrays": lambda: unpack_arrays(path.read_bytes()),
}[kind]
def peak():
    # Not ru_maxrss, which begins with what the process had that started this one.
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) / 1000
before, said = peak(), "read"
try:
    read()
except (ArtifactMalformed, ImageUnreadable, LabelMapUnreadable) as error:
    said = str(error)
print(json.dumps([said, peak() - before]))
"""


def draw(mode: str, width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, "PNG", compress_level=9)
    return file.getvalue()


def pack_zeros(n_bytes: int) -> bytes:
    """A compressed .npz whose one array unfolds to so many bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros.npy", "w") as inner:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (n_bytes,)})
        inner.write(header.getvalue())
        block = bytes(1 << 20)
        for _ in range(n_bytes >> 20):
            inner.write(block)
    return file.getvalue()


def make_bombs() -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """By name: the file, and the ways in which it is read."""
    pictures = ("image", "upright", "map", "mask")
    return {
        "gray of 16 bits, 80 MP": (draw("I;16", 8944, 8944), pictures),
        "RGB, 80 MP": (draw("RGB", 8944, 8944), pictures),
        "one bit, 900 MP": (draw("1", 30_000, 30_000), pictures),
        "an array of 1.2 GB": (pack_zeros(1200 << 20), ("arrays",)),
    }


def explode_each() -> str:
    largest, told = 0.0, []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "bomb.png"
        for words, (content, ways) in make_bombs().items():
            path.write_bytes(content)
            for way in ways:
                done = subprocess.run(
                    [sys.executable, "-c", READ, way, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{words} as {way}: {done.stderr[-300:]}"
                said, grown = json.loads(done.stdout.splitlines()[-1])
                assert grown < MAX_GROWTH_MB, f"{words} ({len(content):,} bytes) as {way}: {grown:.0f} MB ({said})"
                largest = max(largest, grown)
                print(f"  {words} as {way}: {grown:.0f} MB: {said}", flush=True)
            told.append(f"{words} ({len(content) / 1e6:.2f} MB)")
    return f"{'; '.join(told)}: read or refused in words, by processes that grew by at most {largest:.0f} MB."


DRILLS: dict[str, Callable[[], str]] = {"bombs": explode_each}
