"""Files that say what the values or colors of label maps mean: text, CSV or JSON, in the forms that are about."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.engine.images.csv_tables import CsvRow, find_column, read_rows
from workers.engine.images.json_files import read_json
from workers.engine.images.reading import MAX_LABEL_NUMBER, LabelFileMalformed
from workers.engine.images.text_files import find_encoding

# Looked for beside label maps, the first that is there counts.
NAME_FILES = (
    "labels.txt", "classes.txt", "class_names.txt", "names.txt", "labelmap.txt", "label_colors.txt",
    "objectInfo150.txt",
    "objectInfo150.csv", "class_dict.csv", "classes.csv", "labels.csv", "label.csv", "labels.json", "classes.json",
    "_classes.csv", "categories.json", "id2label.json",
)  # fmt: skip
# Names that stand for no label.
NOTHING = (
    "background", "_background_", "__background__", "unlabeled", "unlabelled", "void", "ignore", "__ignore__",
    "_ignore_", "ignored", "none", "unknown", "unlabeled/ignored",
)  # fmt: skip
NUMBER_COLUMNS = (
    "number",
    "id",
    "idx",
    "index",
    "value",
    "class_id",
    "label_id",
    "category_id",
    "class_index",
    "pixel value",
    "pixel_value",
)
NAME_COLUMNS = ("name", "label", "class", "category", "class_name", "label_name", "category_name")
Color = tuple[int, int, int]
_NUMBERED = re.compile(r"(-?\d{1,9})\s*[:,;\t ]\s*(\S.*)")
_COLORED = re.compile(r"(\d{1,3})[ ,\t]+(\d{1,3})[ ,\t]+(\d{1,3})[ ,\t]+(\S.*)")
_LABELMAP = re.compile(r"([^:]+):(\d{1,3}),(\d{1,3}),(\d{1,3}):.*")


@dataclass(frozen=True)
class LabelNames:
    """Names by value, or by color; `file` is the name of the file that says so, for words.

    Raises LabelFileMalformed for values and colors that no label map can carry.
    """

    file: str
    values: dict[int, str] = field(default_factory=dict)
    colors: dict[Color, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (value := next((one for one in self.values if not 0 <= one <= MAX_LABEL_NUMBER), None)) is not None:
            raise LabelFileMalformed(f"{self.file} has number {value}; numbers go from 0 to {MAX_LABEL_NUMBER:,}.")
        if not all(name.strip() for name in (*self.values.values(), *self.colors.values())):
            raise LabelFileMalformed(f"{self.file} has a number or a color without a name: name it, or take it out.")
        if (color := next((one for one in self.colors if not 0 <= min(one) <= max(one) <= 255), None)) is not None:
            raise LabelFileMalformed(f"{self.file} has the color {color}; red, green and blue go from 0 to 255.")

    @property
    def meaning(self) -> str:
        """Which value and which color is which label number."""
        return repr((sorted(self.number_of_value.items()), sorted(self.number_of_color.items())))

    @property
    def number_of_value(self) -> dict[int, int]:
        """The label number of each value; 0 for background. If the value 0 is a label's, all numbers are one more.
        Values of one name are one label: the number is that of the first.
        """
        shift = 0 if is_nothing(self.values.get(0, NOTHING[0])) else 1
        first = {name: value for value, name in sorted(self.values.items(), reverse=True)}
        return {value: 0 if is_nothing(name) else first[name] + shift for value, name in self.values.items()}

    @property
    def number_of_color(self) -> dict[Color, int]:
        """The label number of each color, from 1 on in the file's order; 0 for background."""
        named = list(dict.fromkeys(name for name in self.colors.values() if not is_nothing(name)))
        return {color: 0 if is_nothing(name) else named.index(name) + 1 for color, name in self.colors.items()}

    @property
    def names(self) -> dict[int, str]:
        """The name of each label number."""
        by_value = {self.number_of_value[value]: name for value, name in self.values.items()}
        by_color = {self.number_of_color[color]: name for color, name in self.colors.items()}
        return {number: name for number, name in (by_color or by_value).items() if number}


# What maps of values without names may carry: 255 is void.
UNNAMED = LabelNames("the list of 1 to 254", values={value: f"value {value}" for value in range(1, 255)})


def is_nothing(name: str) -> bool:
    return name.strip().lower() in NOTHING


def find_names(folders: Iterable[Path]) -> LabelNames | None:
    """The names that a file in one of the folders gives, the nearest folder first; None if there is no such file."""
    for folder in folders:
        for name in NAME_FILES:
            if (folder / name).is_file():
                return read_names(folder / name)
    return None


def read_names(file: Path) -> LabelNames:
    """Raises LabelFileMalformed."""
    if file.suffix.lower() == ".json":
        return _checked(LabelNames(file.name, values=_from_json(file)))
    try:
        lines = file.read_text(encoding=find_encoding(file)).splitlines()
    except UnicodeDecodeError:
        raise LabelFileMalformed(f"{file.name} is not UTF-8 text.") from None
    except OSError as error:
        raise LabelFileMalformed(f"{file.name} cannot be read: {error.strerror}.") from None
    header = re.split(r"[,;\t]", next((line.lower() for line in lines if line.strip()), ""))
    if file.suffix.lower() == ".csv" or "name" in header:
        return _checked(_from_table(file))
    written = (line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return _checked(_from_lines(file.name, list(written)))


def _checked(names: LabelNames) -> LabelNames:
    if not names.names:
        raise LabelFileMalformed(f"{names.file} names no labels.")
    if max(names.names) > MAX_LABEL_NUMBER:
        raise LabelFileMalformed(f"{names.file} has number {max(names.names)}; at most {MAX_LABEL_NUMBER} can be read.")
    return names


def _from_lines(file: str, lines: Sequence[str]) -> LabelNames:
    """Lines of `number: name`, `red green blue name`, `name:red,green,blue::` (CVAT), or names alone: these count from
    1, or from 0 if the first is the background.
    """
    if all(matches := [_COLORED.fullmatch(line.strip()) for line in lines]):
        return LabelNames(file, colors={_color(one.groups()[:3]): one[4] for one in matches if one})
    if all(matches := [_LABELMAP.fullmatch(line.strip()) for line in lines]):
        return LabelNames(file, colors={_color(one.groups()[1:]): one[1] for one in matches if one})
    if all(matches := [_NUMBERED.fullmatch(line.strip()) for line in lines]):
        return LabelNames(file, values={int(one[1]): one[2].strip() for one in matches if one})
    first = 0 if lines and is_nothing(lines[0]) else 1
    return LabelNames(file, values={value: line.strip() for value, line in enumerate(lines, start=first)})


def _from_table(file: Path) -> LabelNames:
    """Rows of a name and a number or a color, below a header."""
    rows = list(read_rows(file))
    columns = tuple(rows[0].cells if rows else ())
    name = find_column(columns, NAME_COLUMNS)
    if name is None:
        raise LabelFileMalformed(f"{file.name}, line 1: there is no column for the name ({', '.join(NAME_COLUMNS)}).")
    if all(one in columns for one in "rgb"):
        return LabelNames(file.name, colors={_read_color(row): row.cells[name].strip() for row in rows})
    number = find_column(columns, NUMBER_COLUMNS)
    if number is None:
        raise LabelFileMalformed(
            f"{file.name}, line 1: there is no column for the number ({', '.join(NUMBER_COLUMNS)})."
        )
    values = {row.whole(number, high=MAX_LABEL_NUMBER): row.cells[name].strip() for row in rows}
    return LabelNames(file.name, values=values)


def _read_color(row: CsvRow) -> Color:
    return row.whole("r", high=255), row.whole("g", high=255), row.whole("b", high=255)


def _from_json(file: Path) -> dict[int, str]:
    """{"0": "name"} or {"name": 0}, or a list `categories` or `labels` of objects with id and name."""
    whole = read_json(file)
    for listed in ("categories", "labels"):
        if isinstance(whole.get(listed), list):
            return {one.whole("id"): one.text("name") for one in whole.entries(listed)}
    if whole.values and all(type(value) is int for value in whole.values.values()):
        return {whole.whole(name): name for name in whole.values}
    values: dict[int, str] = {}
    for key, name in whole.values.items():
        if not re.fullmatch(r"\d{1,9}", key) or not isinstance(name, str):
            raise LabelFileMalformed(f"{file.name}: {key[:40]!r} is no number with a name.")
        values[int(key)] = name
    return values


def _color(parts: Sequence[Any]) -> Color:
    red, green, blue = (int(part) for part in parts)
    return red, green, blue
