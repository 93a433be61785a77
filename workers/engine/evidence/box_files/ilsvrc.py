"""ILSVRC's boxes: a folder of XML files, one for each photograph, as the devkit lays them out.

The photograph of n01440764/n01440764_10026.xml is n01440764/n01440764_10026.JPEG. Class indices are the places of the
1,000 WordNet ids in their order, which is torchvision's: they come from LOC_synset_mapping.txt or synsets.txt (an id
begins each line) in the folder or above it, or, if the folder has boxes of all 1,000, from these. A photograph with
boxes of several classes has no one class, and is passed over.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from workers.engine.evidence.box_files.boxed_images import BoxesInvalid, BoxRow, parse_numbers, parse_path
from workers.engine.plurals import say_count

SYNSETS = ("LOC_synset_mapping.txt", "synsets.txt")
WORDNET_ID = re.compile(r"n\d{8}")
N_CLASSES = 1000
MAX_BYTES = 1_000_000
SIDES = ("xmin", "ymin", "xmax", "ymax")


def recognizes(path: Path) -> bool:
    return path.is_dir() and next(path.rglob("*.xml"), None) is not None


def read(path: Path) -> Iterator[BoxRow]:
    """Raises BoxesInvalid."""
    found = [_read_file(file, path) for file in sorted(path.rglob("*.xml"))]
    place = _find_places(path, {name for objects in found for name, _ in objects})
    for objects in found:
        if len({name for name, _ in objects}) != 1:
            continue
        for name, row in objects:
            if name not in place:
                raise BoxesInvalid(f"{row.where}: {name[:40]!r} is not in the list of classes.")
            yield BoxRow(row.path, place[name], row.width, row.height, row.box, row.where)


def _read_file(file: Path, folder: Path) -> list[tuple[str, BoxRow]]:
    """The boxes of one photograph, whose class is not known yet, each with the name of its class."""
    where = file.relative_to(folder).as_posix()
    content = file.read_bytes()
    # Boxes need no document type; what declares one may unfold to gigabytes.
    if len(content) > MAX_BYTES or b"<!DOCTYPE" in content:
        raise BoxesInvalid(f"{where} is not a file of boxes.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BoxesInvalid(f"{where} is not XML: {error}.") from None
    size = [_text(root, f"size/{name}", where) for name in ("width", "height")]
    width, height = parse_numbers(size, where)
    photograph = parse_path(Path(where).with_suffix(".JPEG").as_posix(), where)
    rows = []
    for one in root.iter("object"):
        box = parse_numbers((_text(one, f"bndbox/{side}", where) for side in SIDES), where)
        x0, y0, x1, y1 = box
        rows.append((_text(one, "name", where), BoxRow(photograph, 0, width, height, (x0, y0, x1, y1), where)))
    return rows


def _text(element: ElementTree.Element, path: str, where: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise BoxesInvalid(f"{where} has no {path}.")
    return text.strip()


def _find_places(folder: Path, names: set[str]) -> dict[str, int]:
    """The class index of each name."""
    for above in (folder, *folder.resolve().parents[:4]):
        for name in SYNSETS:
            if (above / name).is_file():
                lines = (above / name).read_text(encoding="utf-8", errors="replace").splitlines()
                listed = [line.split()[0] for line in lines if WORDNET_ID.match(line)]
                return {one: place for place, one in enumerate(sorted(listed))}
    if len(names) != N_CLASSES:
        raise BoxesInvalid(
            f"{folder.name} has boxes of {say_count(len(names), 'class')}: put {SYNSETS[0]} beside them, which lists "
            f"the {N_CLASSES:,} classes that the network knows."
        )
    return {one: place for place, one in enumerate(sorted(names))}
