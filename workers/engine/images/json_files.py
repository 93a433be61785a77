"""JSON files of labels: their entries by place, so that words about a bad one say where it stands."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.engine.images.passed_over import is_text
from workers.engine.images.reading import LabelFileMalformed
from workers.engine.images.text_files import find_encoding

MAX_JSON_BYTES = 2**30
_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of a JSON file and where it stands."""

    file: str
    place: str
    values: dict[str, Any]

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def wrong(self, name: str, what: str) -> LabelFileMalformed:
        shown = str(self.values.get(name))
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return LabelFileMalformed(f"{self.file}, {self.place}, {name}: {shown!r} {what}.")

    def whole(self, name: str) -> int:
        """Also one that is written as a text or with a point, as programs and tables write ids."""
        value = _read_whole(self.values.get(name))
        if value is None:
            raise self.wrong(name, "is not a whole number")
        return value

    def key(self, name: str) -> int | str:
        """A whole number, or any other text."""
        value = self.values.get(name)
        whole = _read_whole(value)
        if whole is None and not isinstance(value, str):
            raise self.wrong(name, "is neither a whole number nor a text")
        return whole if whole is not None else str(value)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "is not a text")
        if not is_text(value):
            raise self.wrong(name, "holds half of a letter (a lone surrogate)")
        return value

    def entries(self, name: str) -> list["Entry"]:
        """The objects of a list, each with its place counted from 1."""
        listed = self.values.get(name)
        if not isinstance(listed, list):
            raise self.wrong(name, "is not a list")
        inner = f"{self.place}, {name}" if self.place else name
        for place, one in enumerate(listed, start=1):
            if not isinstance(one, dict):
                raise LabelFileMalformed(f"{self.file}, {inner} {place}: {str(one)[:60]!r} is not an object.")
        return [Entry(self.file, f"{inner} {place}", one) for place, one in enumerate(listed, start=1)]


def _read_whole(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_json(file: Path) -> Entry:
    """The object that a JSON file holds; raises LabelFileMalformed."""
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise LabelFileMalformed(f"{file.name} is larger than {MAX_JSON_BYTES >> 30} GiB: split it.")
        values = json.loads(file.read_text(encoding=find_encoding(file)))
    except FileNotFoundError:
        raise LabelFileMalformed(f"There is no file {file.name}.") from None
    except OSError as error:
        raise LabelFileMalformed(f"{file.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise LabelFileMalformed(f"{file.name} is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise LabelFileMalformed(f"{file.name}, line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except ValueError:
        raise LabelFileMalformed(f"{file.name} holds a number of too many digits.") from None
    except RecursionError:
        raise LabelFileMalformed(f"{file.name} is nested too deeply.") from None
    if not isinstance(values, dict):
        raise LabelFileMalformed(f"{file.name} holds no object, but {type(values).__name__}.")
    return Entry(file.name, "", values)
