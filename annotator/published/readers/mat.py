"""The answers of 2015 as they were published: `layerAnnotation` of a .mat, units in the order of its rows [ZKLOT15]."""

from collections.abc import Iterable

from annotator.published.readers.cells import MAX_TEXT, BadFile, Row
from annotator.published.readers.matfile import Array, read_mat
from annotator.published.readers.records import AnswerFile, ImportedAnswer, PublishedReader, read_category

MAT_COLUMNS = ("description", "category", "precision")


def read_mat_answers(content: bytes, file: str, layer: str) -> AnswerFile:
    table = read_mat(content, file=file).get("layerAnnotation")
    if table is None or len(table.shape) != 2 or table.shape[1] != 2 or not _are_cells(table):
        raise BadFile(f"{file}: variable layerAnnotation with a row (answers, name) for each layer is missing.")
    layers = [_read_mat_layer(*table.row(i), file=file) for i in range(table.shape[0])]
    answers = [answer for found in layers for answer in found.answers]
    n_units = {path: n for found in layers for path, n in found.n_units.items()}
    return AnswerFile(tuple(answers), n_units=n_units, names_workers_by="", sized=frozenset(n_units))


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
        description = texts["description"].strip()[:MAX_TEXT]
        yield ImportedAnswer(
            layer=path, index=index, row=index + 1, description=description,
            category=read_category(row, "category"), precision=row.number_within("precision", low=0, high=1),
        )  # fmt: skip


def _write_out(cell: Array) -> str:
    if isinstance(cell.values, str):
        return cell.values
    value = cell.values[0] if len(cell.values) == 1 and not isinstance(cell.values[0], Array) else ""
    return repr(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) > 1 else str(value)


READER = PublishedReader(
    ending=".mat", recognizes=lambda head, file_name: file_name.endswith(".mat"), read=read_mat_answers
)
