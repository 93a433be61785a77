"""Answers in our own JSON lines, as `export` writes them; `index` counts from zero."""

from typing import Any

from annotator.json_texts import read_json
from annotator.labels.precision import N_TOP_CROPS
from annotator.published.readers.cells import BadFile, Row, read_text
from annotator.published.readers.records import AnswerFile, ImportedAnswer, PublishedReader, count_units, read_category

LINE_KEYS = ("layer", "index", "description", "category", "precision")
# What `export` says of an answer for other programs; an import leaves it.
ONLY_TOLD = ("chosen_because", "inclusion_probability", "active_seconds")
LINE_KEYS_ALLOWED = (
    *LINE_KEYS, "worker", "is_simulated", "shown", "marked", "planted", "n_planted_missed", "n_layer_units", *ONLY_TOLD,
)  # fmt: skip


def read_line_answers(content: bytes, file: str, layer: str) -> AnswerFile:
    lines = read_text(content, file=file).split("\n")
    answers = [_read_line(line, file=file, number=i) for i, line in enumerate(lines, start=1) if line.strip()]
    if not answers:
        raise BadFile(f"{file} holds no rows.")
    sized = frozenset(answer.layer for answer in answers if answer.n_layer_units)
    return AnswerFile(tuple(answers), n_units=count_units(answers), names_workers_by="pseudonym", sized=sized)


def _read_line(line: str, *, file: str, number: int) -> ImportedAnswer:
    try:
        kept = read_json(line, parse_constant=str)
    except ValueError:
        raise BadFile(f"{file}, row {number}: not JSON.") from None
    if not isinstance(kept, dict) or (missing := [key for key in LINE_KEYS if key not in kept]):
        wanted = ", ".join(missing) if isinstance(kept, dict) else "an object"
        raise BadFile(f"{file}, row {number}: {wanted} missing.")
    if unknown := sorted(set(kept) - set(LINE_KEYS_ALLOWED)):
        raise BadFile(f"{file}, row {number}, column {', '.join(unknown)}: not known here.")
    row = Row(file=file, number=number, cells={key: "" if value is None else str(value) for key, value in kept.items()})
    shown, marked = _read_ranks(row, kept, "shown"), _read_ranks(row, kept, "marked")
    planted = _read_ranks(row, kept, "planted") or ()
    if set(planted) & set(shown or ()):
        raise row.refuse("planted", "a planted negative is no top crop that was shown")
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
        is_simulated=_read_simulated(row, kept),
        shown=shown,
        marked=marked,
        planted=planted,
        n_planted_missed=_read_count(row, "n_planted_missed") or 0,
        n_layer_units=_read_count(row, "n_layer_units") or 0,
    )


def _read_simulated(row: Row, kept: dict[str, Any]) -> bool:
    """Simulated people stay simulated, so they have names: an answer without a worker is of a person nobody knows."""
    said = kept.get("is_simulated") or False
    if not isinstance(said, bool):
        raise row.refuse("is_simulated", "neither true nor false")
    if said and not kept.get("worker"):
        raise row.refuse("is_simulated", "a simulated answer needs a worker")
    return said


def _read_count(row: Row, column: str) -> int | None:
    return row.whole(column, lowest=0) if row.cells.get(column) else None


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
