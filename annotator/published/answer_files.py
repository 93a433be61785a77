"""Files of people's answers -> answers in the product's own terms: the published .mat, MTurk's CSV, our JSONL.

Units leave here zero-based whatever the file counts from: the .mat's rows are units in order, `Input.unit` of MTurk's
results is one-based as published, `index` of our own JSONL is zero-based.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.crowd.categories import PUBLISHED_CODES, SemanticCategory
from annotator.labels.precision import N_TOP_CROPS
from annotator.published.csv_reading import BadFile, Row, read_sheet, read_text
from annotator.published.matfile import Array, BadMatFile, read_mat

MAT_COLUMNS = ("description", "category", "precision")
SHEET_COLUMNS = ("WorkerId", "Input.layer", "Input.unit", "Answer.description", "Answer.category", "Answer.precision")
LINE_KEYS = ("layer", "index", "description", "category", "precision")
LINE_KEYS_ALLOWED = (*LINE_KEYS, "worker", "shown", "marked")


@dataclass(frozen=True)
class ImportedAnswer:
    """`worker` is as the file names people, None where it does not; `shown` and `marked` are ranks or None."""

    layer: str
    index: int
    row: int
    description: str
    category: str
    precision: float
    worker: str | None = None
    is_rejected: bool = False
    shown: tuple[int, ...] | None = None
    marked: tuple[int, ...] | None = None


@dataclass(frozen=True)
class AnswerFile:
    """`n_units` by layer, in the file's order of layers; `names_workers_by` is "mturk_id", "pseudonym" or ""."""

    answers: tuple[ImportedAnswer, ...]
    n_units: dict[str, int]
    names_workers_by: str


def read_answers(content: bytes, *, file: str) -> AnswerFile:
    """By the file name's ending. Raises sheets.BadFile."""
    readers: dict[str, Callable[..., AnswerFile]] = {"mat": _read_mat_answers, "csv": _read_sheet, "jsonl": _read_lines}
    ending = file.rpartition(".")[2].lower()
    if ending not in readers:
        raise BadFile(f"{file}: answers come as .mat, .csv or .jsonl.")
    found = readers[ending](content, file=file)
    _refuse_doubles(found, file)
    return found


def _refuse_doubles(found: AnswerFile, file: str) -> None:
    """One answer a person a unit."""
    seen: dict[tuple[str, int, str], int] = {}
    for answer in found.answers:
        if answer.worker is None:
            continue
        earlier = seen.setdefault((answer.layer, answer.index, answer.worker), answer.row)
        if earlier != answer.row:
            raise BadFile(f"{file}, row {answer.row}, column worker: answered {answer.layer} before, in row {earlier}.")


def _read_mat_answers(content: bytes, *, file: str) -> AnswerFile:
    try:
        table = read_mat(content).get("layerAnnotation")
    except BadMatFile as error:
        raise BadFile(f"{file}: {error}.") from None
    if table is None or len(table.shape) != 2 or table.shape[1] != 2 or not _are_cells(table):
        raise BadFile(f"{file}: variable layerAnnotation with a row (answers, name) for each layer is missing.")
    layers = [_read_mat_layer(*table.row(i), file=file) for i in range(table.shape[0])]
    answers = [answer for found in layers for answer in found.answers]
    n_units = {path: n for found in layers for path, n in found.n_units.items()}
    return AnswerFile(answers=tuple(answers), n_units=n_units, names_workers_by="")


def _are_cells(array: Array) -> bool:
    return bool(array.values) and all(isinstance(cell, Array) for cell in array.values)


def _read_mat_layer(cells: Array, name: Array, *, file: str) -> AnswerFile:
    path = name.values
    if not isinstance(path, str) or not path:
        raise BadFile(f"{file}: a layer of layerAnnotation has no name.")
    if len(cells.shape) != 2 or cells.shape[1] % 3 or not _are_cells(cells):
        raise BadFile(f"{file}, layer {path}: not a table of (description, category, precision) for each answer.")
    answers = [answer for i in range(cells.shape[0]) for answer in _read_mat_unit(cells, i, path, file)]
    return AnswerFile(answers=tuple(answers), n_units={path: cells.shape[0]}, names_workers_by="")


def _read_mat_unit(cells: Array, index: int, path: str, file: str) -> Iterable[ImportedAnswer]:
    values = [_write_out(cell) for cell in cells.row(index)]
    for first in range(0, len(values), 3):
        texts = dict(zip(MAT_COLUMNS, values[first : first + 3], strict=True))
        row = Row(file=f"{file}, layer {path}", number=index + 1, cells=texts)
        yield ImportedAnswer(
            layer=path, index=index, row=index + 1, description=_read_published_text(texts["description"]),
            category=_read_category(row, "category"), precision=row.number_within("precision", low=0, high=1),
        )  # fmt: skip


def _read_published_text(text: str) -> str:
    """As it was published, without a leading sign that spreadsheets would run."""
    return text.strip().lstrip("=+-@\t\r\n")[:200]


def _write_out(cell: Array) -> str:
    if isinstance(cell.values, str):
        return cell.values
    value = cell.values[0] if len(cell.values) == 1 and not isinstance(cell.values[0], Array) else ""
    return repr(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) > 1 else str(value)


def _read_category(row: Row, column: str) -> str:
    """A published code from 1 to 6, or the category's name."""
    value = row.cells[column].strip().lower()
    if value in list(SemanticCategory):
        return value
    code = float(value) if value.replace(".", "", 1).isdigit() and value.isascii() else 0.0
    if code not in PUBLISHED_CODES:
        names = ", ".join(SemanticCategory)
        raise row.refuse(column, f"{value[:40]!r} is neither a code from 1 to 6 nor one of {names}")
    return str(PUBLISHED_CODES[int(code)])


def _read_sheet(content: bytes, *, file: str) -> AnswerFile:
    answers = [_read_sheet_row(row) for row in read_sheet(content, file=file, needed=SHEET_COLUMNS)]
    return AnswerFile(answers=tuple(answers), n_units=_count_units(answers), names_workers_by="mturk_id")


def _read_sheet_row(row: Row) -> ImportedAnswer:
    worker = row.text("WorkerId")
    if not worker:
        raise row.refuse("WorkerId", "it is empty")
    return ImportedAnswer(
        layer=_read_path(row, "Input.layer"),
        index=row.whole("Input.unit", lowest=1) - 1,
        row=row.number,
        description=row.text("Answer.description"),
        category=_read_category(row, "Answer.category"),
        precision=row.number_within("Answer.precision", low=0, high=1),
        worker=worker,
        is_rejected=bool(row.cells.get("RejectionTime", "").strip()),
    )


def _read_path(row: Row, column: str) -> str:
    path = row.text(column)
    if not path:
        raise row.refuse(column, "it is empty")
    return path


def _count_units(answers: Sequence[ImportedAnswer]) -> dict[str, int]:
    """As many as the highest index asks for."""
    found: dict[str, int] = {}
    for answer in answers:
        found[answer.layer] = max(found.get(answer.layer, 0), answer.index + 1)
    return found


def _read_lines(content: bytes, *, file: str) -> AnswerFile:
    lines = read_text(content, file=file).split("\n")
    answers = [_read_line(line, file=file, number=i) for i, line in enumerate(lines, start=1) if line.strip()]
    if not answers:
        raise BadFile(f"{file} holds no rows.")
    return AnswerFile(answers=tuple(answers), n_units=_count_units(answers), names_workers_by="pseudonym")


def _read_line(line: str, *, file: str, number: int) -> ImportedAnswer:
    try:
        kept = json.loads(line, parse_constant=str)
    except ValueError:
        raise BadFile(f"{file}, row {number}: not JSON.") from None
    if not isinstance(kept, dict) or (missing := [key for key in LINE_KEYS if key not in kept]):
        wanted = ", ".join(missing) if isinstance(kept, dict) else "an object"
        raise BadFile(f"{file}, row {number}: {wanted} missing.")
    if unknown := sorted(set(kept) - set(LINE_KEYS_ALLOWED)):
        raise BadFile(f"{file}, row {number}, column {', '.join(unknown)}: not known here.")
    row = Row(file=file, number=number, cells={key: "" if value is None else str(value) for key, value in kept.items()})
    shown, marked = _read_ranks(row, kept, "shown"), _read_ranks(row, kept, "marked")
    precision = row.number_within("precision", low=0, high=1)
    _check_marks(row, shown, marked, precision)
    return ImportedAnswer(
        layer=_read_path(row, "layer"),
        index=row.whole("index", lowest=0),
        row=number,
        # People may begin with a dash; JSON is no spreadsheet, and what we write as CSV is defused.
        description=row.text("description", may_begin_like_a_formula=True),
        category=_read_category(row, "category") if row.cells["category"] else "",
        precision=precision,
        worker=(row.text("worker") or None) if "worker" in kept else None,
        shown=shown,
        marked=marked,
    )


def _read_ranks(row: Row, kept: dict[str, Any], key: str) -> tuple[int, ...] | None:
    ranks = kept.get(key)
    if ranks is None:
        return None
    whole = isinstance(ranks, list) and all(
        isinstance(r, int) and not isinstance(r, bool) and 0 <= r < 1000 for r in ranks
    )
    if not whole or len(set(ranks)) != len(ranks):
        raise row.refuse(key, "not a list of different ranks from 0 on")
    return tuple(ranks)


def _check_marks(row: Row, shown: tuple[int, ...] | None, marked: tuple[int, ...] | None, precision: float) -> None:
    if (shown is None) != (marked is None):
        raise row.refuse("marked", "shown and marked come together")
    if shown is None or marked is None:
        return
    if not shown or not set(marked) <= set(shown):
        raise row.refuse("marked", "marks a crop that was not shown")
    if abs(precision - (1 - len(marked) / len(shown))) > 0.5 / N_TOP_CROPS:
        raise row.refuse("precision", f"{precision:g} is not what the marks give")
