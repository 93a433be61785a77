"""Photographs with captions: a CSV of image and caption, or COCO's JSON. docs/readouts.md, Captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.engine.images.csv_tables import find_column, read_header, read_rows
from workers.engine.images.json_files import read_json
from workers.engine.images.label_table import ImageSetError
from workers.engine.plurals import say_count
from workers.engine.readouts.listing import IMAGE_COLUMNS, Listing, find_folder
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.splits import read_part
from workers.engine.readouts.words import split_words

NAMES = "captions.csv", "captions.json"


@dataclass(frozen=True)
class Captioned:
    """By path below the folder: what people said of each photograph, and whether it is for the test, None if the file
    does not say.
    """

    folder: Path
    captions: dict[str, list[str]]
    is_test: dict[str, bool | None]


def read_captions(files: Sequence[Path], images: Path | None) -> Captioned:
    """From one file, or the folder where it lies. Raises ReadoutInvalid."""
    if len(files) != 1:
        raise ReadoutInvalid("Name one file of captions, or the folder where it lies.")
    file = _find_file(files[0]) if files[0].is_dir() else files[0]
    if not file.is_file():
        raise ReadoutInvalid(f"There is no file {file}.")
    listing = Listing(find_folder(file, images))
    try:
        rows = _read_json(file) if file.suffix.lower() == ".json" else _read_csv(file)
    except ImageSetError as error:
        raise ReadoutInvalid(str(error)) from None
    said = [row for row in rows if split_words(row[1])]
    captions, parts = dict[str, list[str]](), dict[str, bool | None]()
    for path, (image, caption, part) in zip(listing.find(image for image, _, _ in said), said, strict=True):
        captions.setdefault(path, []).append(caption)
        if parts.setdefault(path, part) != part:
            raise ReadoutInvalid(f"{file.name}: {image[:60]!r} is to train on in one row, and for the test in another.")
    if len(captions) < 2:
        raise ReadoutInvalid(
            f"{file.name} holds captions of {say_count(len(captions), 'photograph')}; two or more are needed."
        )
    return Captioned(listing.folder, dict(sorted(captions.items())), parts)


def _find_file(folder: Path) -> Path:
    found = [folder / name for name in NAMES if (folder / name).is_file()] or sorted(folder.glob("*captions*.json"))
    if len(found) != 1:
        raise ReadoutInvalid(f"{folder.name} holds {say_count(len(found), 'file')} of captions; name one with --data.")
    return found[0]


def _read_csv(file: Path) -> list[tuple[str, str, bool | None]]:
    header, rows = read_header(file), list(read_rows(file))
    image = find_column(header, IMAGE_COLUMNS)
    if image is None or "caption" not in header:
        raise ReadoutInvalid(f"{file.name} needs the columns image and caption; split is optional.")
    return [(row.cells[image], row.cells["caption"], read_part(row)) for row in rows]


def _read_json(file: Path) -> list[tuple[str, str, bool | None]]:
    told, names = read_json(file), dict[int | str, str]()
    for one in told.entries("images"):
        if names.setdefault(one.key("id"), one.text("file_name")) != one.get("file_name"):
            raise one.wrong("id", "has another file_name in an entry before")
    said: list[tuple[str, str, bool | None]] = []
    for one in told.entries("annotations"):
        if one.key("image_id") not in names:
            raise one.wrong("image_id", "is in no entry of images")
        # A caption may be empty, or of spaces; it is left out.
        caption = one.get("caption")
        is_empty = isinstance(caption, str) and not caption.strip()
        said.append((names[one.key("image_id")], "" if is_empty else one.text("caption"), None))
    return said
