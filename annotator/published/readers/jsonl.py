"""Answers in our own JSON lines, as `export` writes them; `index` counts from zero."""

import json
from typing import Any

from annotator.labels.precision import N_TOP_CROPS
from annotator.published.readers.cells import BadFile, Row, read_text
from annotator.published.readers.records import AnswerFile, ImportedAnswer, PublishedReader, count_units, read_category

LINE_KEYS = ("layer", "index", "description", "category", "precision")
LINE_KEYS_ALLOWED = (*LINE_KEYS, "worker", "shown", "marked")


def read_line_answers(content: bytes, file: str, layer: str) -> AnswerFile:
    lines = read_text(content, file=file).split("\n")
    answers = [_read_line(line, file=file, number=i) for i, line in enumerate(lines, start=1) if line.strip()]
    if not answers:
        raise BadFile(f"{file} holds no rows.")
    return AnswerFile(answers=tuple(answers), n_units=count_units(answers), names_workers_by="pseudonym")


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
        layer=row.filled("layer"),
        index=row.whole("index", lowest=0),
        row=number,
        # People may begin with a dash; JSON is no spreadsheet, and what we write as CSV is defused.
        description=row.text("description", may_begin_like_a_formula=True),
        category=read_category(row, "category") if row.cells["category"] else "",
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


READER = PublishedReader(
    ending=".jsonl", recognizes=lambda head, file_name: file_name.endswith(".jsonl"), read=read_line_answers
)
