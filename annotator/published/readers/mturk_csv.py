"""Answers in MTurk's results file; `Input.unit` counts from one, as published."""

from annotator.published.readers.cells import Row, read_sheet
from annotator.published.readers.records import AnswerFile, ImportedAnswer, PublishedReader, count_units, read_category

SHEET_COLUMNS = ("WorkerId", "Input.layer", "Input.unit", "Answer.description", "Answer.category", "Answer.precision")


def read_sheet_answers(content: bytes, file: str, layer: str) -> AnswerFile:
    answers = [_read_sheet_row(row) for row in read_sheet(content, file=file, needed=SHEET_COLUMNS)]
    return AnswerFile(answers=tuple(answers), n_units=count_units(answers), names_workers_by="mturk_id")


def _read_sheet_row(row: Row) -> ImportedAnswer:
    return ImportedAnswer(
        layer=row.filled("Input.layer"),
        index=row.whole("Input.unit", lowest=1) - 1,
        row=row.number,
        # What somebody wrote is data: what we write as CSV is defused.
        description=row.text("Answer.description", may_begin_like_a_formula=True),
        category=read_category(row, "Answer.category"),
        precision=row.number_within("Answer.precision", low=0, high=1),
        worker=row.filled("WorkerId"),
        is_rejected=bool(row.cells.get("RejectionTime", "").strip()),
    )


READER = PublishedReader(
    ending=".csv", recognizes=lambda head, file_name: file_name.endswith(".csv"), read=read_sheet_answers
)
