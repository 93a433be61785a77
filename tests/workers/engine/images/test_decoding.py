"""Photographs as people see them: upright, and gray values of any range over the whole range of the network's input."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workers.engine.images.decoding import ImageUnreadable, decode_image, read_size

PX = 32


def decode(path: Path, map_size: tuple[int, int] | None = None) -> NDArray[np.int64]:
    pixels = decode_image(path, input_px=PX, resize="warp", interpolation="nearest", map_size=map_size)
    return pixels.astype(np.int64)


def picture() -> NDArray[np.uint8]:
    """(32, 32, 3): another color in each corner, so that no turn or mirror image looks like another."""
    pixels = np.zeros((PX, PX, 3), np.uint8)
    pixels[:16, :16], pixels[:16, 16:], pixels[16:, :16] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    return pixels


def turned(orientation: int) -> NDArray[np.uint8]:
    """The stored pixels that a camera writes with the orientation, by the standard's words."""
    upright = picture()
    return {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        # Row 0 is the right side, column 0 the top: the stored picture is the upright one turned counterclockwise.
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    image = Image.fromarray(np.ascontiguousarray(turned(orientation)))
    exif = image.getexif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    image.save(path, exif=exif, **({"quality": 95} if ending in ("jpg", "webp") else {}))
    assert np.abs(decode(path) - picture()).mean() < 12
    wide = Image.fromarray(np.ascontiguousarray(turned(orientation).repeat(2, axis=1 if orientation < 5 else 0)))
    wide.save(path, exif=exif)
    assert read_size(path) == {"width": 2 * PX, "height": PX}


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_a_label_map_of_the_unturned_picture_is_refused_for_a_turned_photograph(tmp_path: Path, ending: str) -> None:
    image, path = Image.fromarray(np.zeros((40, 80, 3), np.uint8)), tmp_path / f"a.{ending}"
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    decode(path, map_size=(40, 20))
    decode(path, map_size=(30, 30))
    with pytest.raises(ImageUnreadable, match="turn the label map"):
        decode(path, map_size=(20, 40))


def gray(path: Path, values: NDArray[np.generic]) -> NDArray[np.int64]:
    Image.fromarray(values).save(path)
    return decode(path)[..., 0]


RAMP = np.linspace(0, 1, PX * PX).reshape(PX, PX)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_gray_of_more_bits_is_scaled_by_the_bits_that_it_uses(tmp_path: Path, bits: int) -> None:
    top = 2**bits - 1
    found = gray(tmp_path / "a.png", np.rint(RAMP * top).astype(np.uint16))
    assert np.abs(found - RAMP * 255).max() < 0.51 + 255 / top
    assert found.max() == 255
    # Rounded, not cut off: 8 bits that were written as more come back.
    wanted = np.arange(256).repeat(4).reshape(PX, PX)
    assert (gray(tmp_path / "a.png", np.rint(wanted / 255 * top).astype(np.uint16)) == wanted).all()


def test_values_of_8_bits_in_16_stay_as_they_are(tmp_path: Path) -> None:
    values = np.rint(RAMP * 255).astype(np.uint16)
    assert (gray(tmp_path / "a.png", values) == values).all()


@pytest.mark.parametrize(
    ("low", "high", "black", "white"),
    [(0, 1, 0, 255), (0, 0.5, 0, 128), (0, 200, 0, 200), (-1, 1, 0, 255), (-3, 900, 0, 255), (1000, 70000, 0, 255)],
)
def test_decimal_values_are_scaled_by_their_range(
    tmp_path: Path, low: float, high: float, black: int, white: int
) -> None:
    found = gray(tmp_path / "a.tif", (low + RAMP * (high - low)).astype(np.float32))
    assert (found.min(), found.max()) == (black, white)


def test_a_gray_of_one_half_everywhere_is_gray(tmp_path: Path) -> None:
    assert (gray(tmp_path / "a.tif", np.full((PX, PX), 0.5, np.float32)) == 128).all()


def write_png16(path: Path, values: NDArray[np.uint16]) -> None:
    """Pillow writes no 16-bit colors: a PNG by hand, (rows, columns, 3)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_colors_of_16_bits_are_scaled_by_the_bits_that_they_use(tmp_path: Path, bits: int) -> None:
    values = np.rint(np.stack([RAMP, RAMP[::-1], RAMP.T], axis=-1) * (2**bits - 1)).astype(np.uint16)
    write_png16(tmp_path / "a.png", values)
    assert np.abs(decode(tmp_path / "a.png") - values * (255 / (2**bits - 1))).max() < 1.01


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageUnreadable, match="the file is empty"):
        decode(tmp_path / "a.png")


def test_damaged_metadata_does_not_cost_the_photograph(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f broken")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    assert np.abs(decode(tmp_path / "a.jpg") - picture()).mean() < 12
