"""CSV cells that no spreadsheet runs as a formula; and there is one writer of them."""

import csv
import subprocess
from pathlib import Path

import pytest

from annotator.csv_files import FORMULA_STARTS, restore, write_csv

ROOT = Path(__file__).parent.parent.parent
# What the demo writes is the index of an image set, which the engine reads.
OTHER_WRITERS = {"annotator/csv_files.py", "annotator/demo/pictures/rendering.py"}


def test_cells_that_a_spreadsheet_would_run_are_defused() -> None:
    rows = [{"a": "=1+1", "b": None, "c": [1, 2]}, {"a": -1, "c": "\t@x"}]
    assert write_csv(rows, columns=["a", "b", "c"]) == "a,b,c\n'=1+1,,1 2\n-1,,'\t@x\n"


def test_nothing_else_in_the_product_writes_csv() -> None:
    found = subprocess.run(
        ["git", "grep", "-lE", r"csv\.(writer|DictWriter)", "--", "annotator"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert set(found.stdout.split()) == OTHER_WRITERS


@pytest.mark.parametrize(
    "words", ["- dash list", "=1+1", "+", "@me", "'- quoted", "''=x", "'tis", "dog", "'", "\uff1d1+1"]
)
def test_what_was_defused_is_read_back(words: str) -> None:
    (_, line) = write_csv([{"a": words}], columns=["a"]).splitlines()
    (written,) = next(csv.reader([line]))
    assert not written.startswith(FORMULA_STARTS)
    assert restore(written) == words
