"""Questions about photographs with their answers: DAQUAR's CSV, and VQA's JSON of versions 1 and 2.

docs/readouts.md, Questions. A question with several answers at once ("knife, fork") cannot be answered by one class: it
is left out and counted.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.engine.images.walking import SUFFIXES
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.words import split_words

# Of VQA's ten people, as many must have said so for an answer to count whole.
ENOUGH = 3
SEVERAL = ","
IMAGE_COLUMNS, ANSWER_COLUMNS = ("image", "image_id", "img"), ("answer", "answers")
TEST_NAMES = ("test", "val", "valid", "validation", "eval")


@dataclass(frozen=True)
class Question:
    """`answers`: what each person said, one for sets that tell one answer. `part`: as the data say, "" if they do not.

    `path` is the photograph's below the folder of photographs.
    """

    path: str
    text: str
    answers: tuple[str, ...]
    part: str = ""

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
    """Questions in the order of their file, below the folder of photographs; how many had several answers at once."""

    folder: Path
    questions: list[Question]
    n_several: int


def read_questions(files: Sequence[Path], images: Path | None) -> Asked:
    """From one folder, or from files. Raises ReadoutInvalid."""
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


def find_folder(file: Path, images: Path | None) -> Path:
    """The folder of photographs: the one that was named, `images` beside the file, or the file's own."""
    beside = file.parent / "images"
    return images or (beside if beside.is_dir() else file.parent)


def _read_csv(file: Path, images: Path | None) -> Asked:
    folder = find_folder(file, images)
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadoutInvalid(f"{file.name} cannot be read as a CSV: {error}.") from None
    columns = {name.strip().lower(): name for name in (rows[0] if rows else {}) if name}
    image = next((columns[one] for one in IMAGE_COLUMNS if one in columns), None)
    answer = next((columns[one] for one in ANSWER_COLUMNS if one in columns), None)
    if image is None or answer is None or "question" not in columns:
        raise ReadoutInvalid(f"{file.name} needs the columns image, question and answer; split is optional.")
    listing = Listing(folder)
    told = [
        Question(
            listing.find(row[image] or ""),
            row[columns["question"]] or "",
            ((row[answer] or "").strip().lower(),),
            _read_part(row[columns["split"]] or "") if "split" in columns else "",
        )
        for row in rows
    ]
    whole = [one for one in told if SEVERAL not in one.answers[0] and one.answers[0]]
    return _check(Asked(folder, whole, len(told) - len(whole)), file)


def _read_part(text: str) -> str:
    return "test" if text.strip().lower() in TEST_NAMES else "train"


class Listing:
    """The photographs of a folder by their names: with the ending, without it, and by the number at its end."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ReadoutInvalid(f"There is no folder of photographs at {folder}; name it with --images.")
        self.folder = folder
        paths = sorted(
            one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.suffix.lower() in SUFFIXES
        )
        self.known = {name: path for path in reversed(paths) for name in _name(path)}

    def find(self, name: str) -> str:
        """The path of the photograph of that name. Raises ReadoutInvalid."""
        found = self.known.get(name.strip())
        if found is None:
            raise ReadoutInvalid(f"There is no photograph {name[:80]!r} in {self.folder.name}; see --images.")
        return found


def _name(path: str) -> Iterable[str]:
    """COCO_val2014_000000000042.jpg is asked for as 42."""
    stem = Path(path).stem
    yield from (path, Path(path).name, stem)
    if number := re.search(r"(\d+)$", stem):
        yield str(int(number[1]))


def _read_vqa(files: Sequence[Path], images: Path | None) -> Asked:
    documents = {file: _read_json(file) for file in files}
    answers = {
        row["question_id"]: row for told in documents.values() for row in told.get("annotations", []) if row
    }  # fmt: skip
    asked = {file: told["questions"] for file, told in documents.items() if "questions" in told}
    if not asked or not answers:
        raise ReadoutInvalid("VQA needs a file with questions and one with annotations; name both with --data.")
    listing = Listing(find_folder(files[0], images))
    parts = {file: _find_part(file.name) for file in asked}
    is_split = len(set(parts.values())) == 2
    try:
        told = [
            Question(
                listing.find(str(row["image_id"])), str(row["question"]), _list_answers(answers[row["question_id"]]),
                parts[file] if is_split else "",
            )
            for file, rows in asked.items()
            for row in rows
            if row["question_id"] in answers
        ]  # fmt: skip
    except (KeyError, TypeError) as error:
        raise ReadoutInvalid(f"The questions are not as VQA writes them: {error} is missing in a row.") from None
    return _check(Asked(listing.folder, told, 0), files[0])


def _find_part(name: str) -> str:
    return "test" if re.search("val|test", name.lower()) else "train"


def _list_answers(row: Mapping[str, Any]) -> tuple[str, ...]:
    said = [str(one["answer"]).lower() for one in row.get("answers", [])]
    return tuple(said) or (str(row["multiple_choice_answer"]).lower(),)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ReadoutInvalid(f"{file.name} cannot be read as JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ReadoutInvalid(f"{file.name} holds no object with questions or annotations.")
    return found


def _check(asked: Asked, file: Path) -> Asked:
    if not asked.questions:
        raise ReadoutInvalid(f"{file.name} holds no question with one answer.")
    return asked
