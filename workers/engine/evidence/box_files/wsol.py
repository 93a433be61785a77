"""The lists of wsolevaluation [CRLSA20]: localization.txt (path,x0,y0,x1,y1), class_labels.txt (path,class) and
image_sizes.txt (path,width,height) in one folder; the folder or its localization.txt is given.
"""

from collections.abc import Iterator
from pathlib import Path

from workers.engine.evidence.box_files.boxed_images import (
    BoxesInvalid,
    BoxRow,
    parse_class,
    parse_numbers,
    parse_path,
)
from workers.engine.plurals import say_count

BOXES, CLASSES, SIZES = "localization.txt", "class_labels.txt", "image_sizes.txt"


def recognizes(path: Path) -> bool:
    return path.name == BOXES or (path / BOXES).is_file()


def read(path: Path) -> Iterator[BoxRow]:
    """Raises BoxesInvalid."""
    folder = path if path.is_dir() else path.parent
    classes = {name: parse_class(rest[0], where) for name, rest, where in read_list(folder / CLASSES, 1)}
    sizes = {name: tuple(parse_numbers(rest, where)) for name, rest, where in read_list(folder / SIZES, 2)}
    for name, rest, where in read_list(folder / BOXES, 4):
        if name not in classes or name not in sizes:
            raise BoxesInvalid(f"{where}: {name} is not in {CLASSES if name not in classes else SIZES}.")
        x0, y0, x1, y1 = parse_numbers(rest, where)
        width, height = sizes[name]
        yield BoxRow(name, classes[name], width, height, (x0, y0, x1, y1), where)


def read_list(path: Path, n_values: int) -> Iterator[tuple[str, list[str], str]]:
    """Of each line the path, so many values after it, and where it stands. Raises BoxesInvalid."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BoxesInvalid(f"{path.name} is not beside the others, or is not text.") from None
    for number, line in enumerate(lines, start=1):
        where = f"{path.name}, line {number}"
        name, *rest = line.rsplit(",", n_values)
        if len(rest) != n_values:
            raise BoxesInvalid(f"{where}: not {say_count(n_values + 1, 'value')} with commas between.")
        yield parse_path(name, where), rest, where
