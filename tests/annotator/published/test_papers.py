"""A report as LaTeX, Markdown and Parquet: the figures of its CSV, and no sign that runs or breaks a table."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from annotator.published.importing import import_annotations

pytestmark = pytest.mark.django_db
SHEET = """WorkerId,Input.layer,Input.unit,Answer.description,Answer.category,Answer.precision
A1,features.10,1,lamp & shade_#1 50% $x$ {y} | z,object,0.9
A2,features.10,2,sky,object,0.8
"""


@pytest.fixture(autouse=True)
def campaign(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SHEET)
    import_annotations(
        campaign_name="net", path=tmp_path / "a.csv", network_name="my_net", now=datetime(2026, 11, 27, tzinfo=UTC)
    )


def report(form: str, **options: object) -> str:
    written = io.StringIO()
    call_command("report", "net", format=form, stdout=written, **options)
    return written.getvalue()


def test_latex_has_a_row_for_each_unit_and_no_bare_sign() -> None:
    said = report("latex")
    concept = json.loads(report("json"))["units"][0]["concept"]
    rows = re.findall(r"^features\.10 \d .*\\\\$", said, flags=re.M)
    assert len(rows) == 2
    assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1, "each row has as many cells"
    without = said.replace(r"\begin{longtable}", "").replace(r"\end{longtable}", "")
    assert not re.search(r"(?<!\\)[%$#_]", without.split("\n", 1)[1]), "what LaTeX would read as its own"
    assert "Answers by people, as imported" in said
    assert concept.split()[0] in rows[0]


def test_markdown_keeps_its_columns() -> None:
    rows = [line for line in report("markdown").splitlines() if line.startswith("| features.10")]
    assert len(rows) == 2
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_parquet_has_the_values_of_the_csv_as_numbers(tmp_path: Path) -> None:
    report("parquet", out=tmp_path / "net.parquet")
    table = pq.read_table(tmp_path / "net.parquet")
    rows = list(csv.DictReader(io.StringIO(report("csv"))))
    assert table.column_names == list(rows[0])
    assert table.column("precision").to_pylist() == [float(row["precision"]) for row in rows]
    assert b"Answers by people" in table.schema.metadata[b"unitscope"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "net.parquet"}


def test_parquet_needs_a_file(tmp_path: Path) -> None:
    for out in (None, tmp_path, tmp_path / "nowhere" / "x.parquet"):
        with pytest.raises(CommandError, match="--out FILE"):
            report("parquet", out=out)
