"""Questions about photographs with their answers: DAQUAR's CSV, and VQA's JSON of versions 1 and 2.

docs/readouts.md, Questions. A question with several answers at once ("knife, fork") cannot be answered by one class: it
is left out and counted.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.engine.images.csv_tables import find_column, read_header, read_rows
from workers.engine.images.json_files import Entry, read_json
from workers.engine.images.label_table import ImageSetError
from workers.engine.readouts.listing import IMAGE_COLUMNS, Listing, find_folder
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.splits import read_part
from workers.engine.readouts.words import split_words

# Of VQA's ten people, as many must have said so for an answer to count whole.
ENOUGH = 3
SEVERAL = ","
ANSWER_COLUMNS = ("answer", "answers")


@dataclass(frozen=True)
class Question:
    """`answers`: what each person said, one for sets that tell one answer. `is_test`: None if the data do not say.

    `path` is the photograph's below the folder of photographs.
    """

    path: str
    text: str
    answers: tuple[str, ...]
    is_test: bool | None = None

    @property
    def words(self) -> list[str]:
        """The different words in their order."""
        return list(dict.fromkeys(split_words(self.text)))

    @property
    def answer(self) -> str:
        """What most people said; of equally frequent ones the first."""
        return Counter(self.answers).most_common(1)[0][0]

    def grade(self, answer: str) -> float:
        """From 0 to 1: whether it is the answer, or min(people who said so / 3, 1) [AALMBZP15]."""
        n_said = self.answers.count(answer)
        return float(n_said > 0) if len(self.answers) < ENOUGH else min(n_said / ENOUGH, 1.0)


@dataclass(frozen=True)
class Asked:
    """Questions in the order of their file, below the folder of photographs; how many had several answers at once, or
    none.
    """

    folder: Path
    questions: list[Question]
    n_several: int = 0
    n_unanswered: int = 0


def read_questions(files: Sequence[Path], images: Path | None) -> Asked:
    """From one folder, or from files. Raises ReadoutInvalid."""
    try:
        return _read(files, images)
    except ImageSetError as error:
        raise ReadoutInvalid(str(error)) from None


def _read(files: Sequence[Path], images: Path | None) -> Asked:
    found = _list_files(files[0]) if len(files) == 1 and files[0].is_dir() else list(files)
    if missing := [one for one in found if not one.is_file()]:
        raise ReadoutInvalid(f"There is no file {missing[0]}.")
    if all(one.suffix.lower() == ".json" for one in found):
        return _read_vqa(found, images)
    if len(found) == 1:
        return _read_csv(found[0], images)
    raise ReadoutInvalid("Name one CSV of questions and answers, or VQA's JSON files, or the folder where they lie.")


def _list_files(folder: Path) -> list[Path]:
    tables = sorted(folder.glob("*.csv"))
    if len(tables) == 1:
        return tables
    if found := sorted(one for one in folder.glob("*.json") if re.search("question|annotation", one.name.lower())):
        return found
    raise ReadoutInvalid(
        f"{folder.name} holds neither one CSV of questions nor VQA's JSON files (names with questions or annotations)."
    )


def _read_csv(file: Path, images: Path | None) -> Asked:
    header, rows = read_header(file), list(read_rows(file))
    image, answer = find_column(header, IMAGE_COLUMNS), find_column(header, ANSWER_COLUMNS)
    if image is None or answer is None or "question" not in header:
        raise ReadoutInvalid(f"{file.name} needs the columns image, question and answer; split is optional.")
    listing = Listing(find_folder(file, images))
    paths = listing.find(row.cells[image] for row in rows)
    told = [
        Question(
            path,
            row.cells["question"],
            (row.cells[answer].strip().lower(),),
            read_part(row),
        )
        for path, row in zip(paths, rows, strict=True)
    ]
    whole = [one for one in told if one.answer and SEVERAL not in one.answer]
    n_unanswered = sum(not one.answer for one in told)
    return _check(Asked(listing.folder, whole, len(told) - len(whole) - n_unanswered, n_unanswered), file)


def _read_vqa(files: Sequence[Path], images: Path | None) -> Asked:
    documents = {file: read_json(file) for file in files}
    answers: dict[int | str, tuple[str, ...]] = {}
    for one in (row for told in documents.values() for row in _list_rows(told, "annotations")):
        said = _list_answers(one)
        if answers.setdefault(one.key("question_id"), said) != said:
            raise one.wrong("question_id", "has other answers in an entry before")
    asked = {file: _list_rows(told, "questions") for file, told in documents.items() if "questions" in told.values}
    if not asked or not answers:
        raise ReadoutInvalid("VQA needs a file with questions and one with annotations; name both with --data.")
    listing = Listing(find_folder(files[0], images))
    parts = {file: bool(re.search("val|test", file.name.lower())) for file in asked}
    is_split = len(set(parts.values())) == 2
    rows = [
        (one, parts[file] if is_split else None)
        for file, listed in asked.items()
        for one in listed
        if one.key("question_id") in answers
    ]
    paths = listing.find(str(one.key("image_id")) for one, _ in rows)
    told = [
        Question(path, one.text("question"), answers[one.key("question_id")], part)
        for path, (one, part) in zip(paths, rows, strict=True)
    ]
    return _check(Asked(listing.folder, told), files[0])


def _list_rows(told: Entry, name: str) -> list[Entry]:
    return told.entries(name) if name in told.values else []


def _list_answers(row: Entry) -> tuple[str, ...]:
    said = [str(one.key("answer")).lower() for one in _list_rows(row, "answers")]
    return tuple(said) or (str(row.key("multiple_choice_answer")).lower(),)


def _check(asked: Asked, file: Path) -> Asked:
    if not asked.questions:
        raise ReadoutInvalid(f"{file.name} holds no question with one answer.")
    return asked
