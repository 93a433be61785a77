"""The formats of published files, by what they hold; the first that recognizes a file reads it. One line for each."""

from typing import TypeVar

from annotator.published.readers import clip_dissect, jsonl, mat, mturk_csv, netdissect
from annotator.published.readers.cells import BadFile
from annotator.published.readers.records import AnswerFile, LabelFile, PublishedReader

T = TypeVar("T")

ANSWERS: list[PublishedReader[AnswerFile]] = [mat.READER, mturk_csv.READER, jsonl.READER]
LABELS: list[PublishedReader[LabelFile]] = [clip_dissect.READER, netdissect.READER]


def read_answers(content: bytes, *, file: str) -> AnswerFile:
    """Answers of people. Raises BadFile."""
    reader = _find_reader(ANSWERS, content, file)
    if reader is None:
        raise BadFile(f"{file}: answers come as {', '.join(list_endings()[:-1])} or {list_endings()[-1]}.")
    found = reader.read(content, file, "")
    _refuse_doubles(found, file)
    return found


def read_labels(content: bytes, *, file: str, layer: str) -> LabelFile:
    """Automatic labels; `layer` picks the rows of a file that holds several layers. Raises BadFile."""
    reader = _find_reader(LABELS, content, file)
    assert reader is not None, "the last one takes every file"
    return reader.read(content, file, layer)


def list_endings() -> list[str]:
    """Of files that may be imported."""
    return list(dict.fromkeys(reader.ending for reader in ANSWERS))


def _find_reader(readers: list[PublishedReader[T]], content: bytes, file: str) -> PublishedReader[T] | None:
    head = content[:10_000].partition(b"\n")[0].decode("utf-8-sig", errors="replace").strip().lower()
    return next((reader for reader in readers if reader.recognizes(head, file.lower())), None)


def _refuse_doubles(found: AnswerFile, file: str) -> None:
    """One answer a person a unit."""
    seen: dict[tuple[str, int, str], int] = {}
    for answer in found.answers:
        if answer.worker is None:
            continue
        earlier = seen.setdefault((answer.layer, answer.index, answer.worker), answer.row)
        if earlier != answer.row:
            raise BadFile(f"{file}, row {answer.row}, column worker: answered {answer.layer} before, in row {earlier}.")
