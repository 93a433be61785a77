"""What is exported can be read by others, imported again, and says what it is."""

import csv
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from annotator.comparison.reports import describe_campaign
from annotator.crowd.models import Assignment, Campaign, Worker
from annotator.published.importing import import_annotations, import_iou

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, tzinfo=UTC)
IOU = (
    "unit,category,label,score,object-label,object-truth,object-activation,object-intersect,object-iou,"
    "part-label,part-truth,part-activation,part-intersect,part-iou\n"
    "2,part,leg,0.3,sky,10,20,3,0.1,leg,7.5,9,4,0.3\n"
    "1,object,sky,0.2,sky,10,25,6,0.2,leg,7.5,9,1,0.1\n"
)


def line(index: int, worker: str, description: str, marked: list[int]) -> str:
    shown = list(range(10))
    row = {"layer": "conv5", "index": index, "description": description, "category": "object", "worker": worker}
    return json.dumps({**row, "precision": 1 - len(marked) / 10, "shown": shown, "marked": marked})


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    rows = [line(0, "W1", "sky", []), line(0, "W2", "-blue sky", [3]), line(1, "W1", "legs", [1, 2])]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    (tmp_path / "iou.csv").write_text(IOU)
    import_annotations(campaign_name="first", path=tmp_path / "a.jsonl", network_name="net", now=NOW)
    made = Campaign.objects.get(name="first")
    import_iou(campaign=made, layer_path="conv5", path=tmp_path / "iou.csv")
    return made


@pytest.fixture
def folder(campaign: Campaign, tmp_path: Path) -> Path:
    call_command("export", "first", out=tmp_path / "data")
    return tmp_path / "data"


def test_exported_answers_and_labels_imported_again_give_the_same_report(folder: Path, campaign: Campaign) -> None:
    call_command("import_annotations", "second", answers=folder / "answers.jsonl", network="other")
    call_command("import_iou", "second", folder / "netdissect-conv5.csv", layer="conv5")
    first, second = (describe_campaign(campaign=Campaign.objects.get(name=n)) for n in ("first", "second"))
    assert {**first, "campaign": None} == {**second, "campaign": None}
    assert Worker.objects.count() == 2, "pseudonyms are kept"
    assert first["workers"] is not None


def test_network_dissections_columns_come_back_as_they_were(folder: Path) -> None:
    with (folder / "netdissect-conv5.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["unit"] for row in rows] == ["2", "1"], "one-based, highest IoU first"
    assert list(rows[0]) == IOU.partition("\n")[0].split(",")
    assert (rows[0]["part-truth"], rows[0]["object-intersect"]) == ("7.5", "3.0")


def test_parquet_holds_the_same_rows(folder: Path) -> None:
    answers = pq.read_table(folder / "answers.parquet").to_pylist()
    assert [json.loads(kept) for kept in (folder / "answers.jsonl").read_text().splitlines()] == answers
    units = pq.read_table(folder / "units.parquet").to_pylist()
    assert [(unit["concept"], unit["relation"]) for unit in units] == [("sky", "equal"), ("leg", "equal")]


def test_csv_runs_nothing_in_a_spreadsheet(folder: Path) -> None:
    with (folder / "answers.csv").open() as file:
        descriptions = [row["description"] for row in csv.DictReader(file)]
    assert "'-blue sky" in descriptions
    assert "-blue sky" in (folder / "answers.jsonl").read_text()


def test_the_data_card_counts_hashes_and_hides_people(folder: Path) -> None:
    card = json.loads((folder / "data_card.json").read_text())
    assert card["counts"] == {"layers": 1, "units": 2, "answers": 3, "simulated_answers": 0, "workers": 2}
    for name, digest in card["files_sha256"].items():
        assert sha256((folder / name).read_bytes()).hexdigest() == digest
    text = (folder / "data_card.md").read_text()
    assert all(title in text for title in ("## Counts", "## Seeds", "## Versions", "## Files"))


def test_amazons_worker_ids_are_in_no_file(campaign: Campaign, tmp_path: Path) -> None:
    Worker.objects.filter(pseudonym="W1").update(external_id="A1SECRETID")
    call_command("export", "first", out=tmp_path / "out")
    assert not any(b"A1SECRETID" in path.read_bytes() for path in (tmp_path / "out").iterdir())


def test_a_folder_in_the_way_is_left_as_it_is(campaign: Campaign, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="is not an empty folder"):
        call_command("export", "first", out=tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_a_campaign_without_labels_has_nothing_to_export(campaign: Campaign, tmp_path: Path) -> None:
    Assignment.objects.all().delete()
    campaign.unit_labels.all().delete()
    with pytest.raises(CommandError, match="no labeled units yet"):
        call_command("export", "first", out=tmp_path / "none")
    assert not (tmp_path / "none").exists()
