"""Files that must not come in: refused in one sentence that names the place, nothing written."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotator.crowd.models import HIT, Answer, Assignment, Campaign, Worker
from annotator.published.importing import import_annotations
from annotator.units.models import AutomaticLabel, Layer, Network, Unit

pytestmark = pytest.mark.django_db

HEADER = "WorkerId,Input.layer,Input.unit,Answer.description,Answer.category,Answer.precision,RejectionTime"
GOOD = "A1,pool5,1,sky,object,0.9,"
IOU_HEADER = "unit,category,label,score,object-label,object-iou,part-label,part-iou"
IOU_GOOD = "1,object,sky,0.2,sky,0.2,leg,0.1"
LINE = {"layer": "pool5", "index": 0, "description": "sky", "category": "object", "precision": 0.9}


def sheet(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def line(**changes: object) -> bytes:
    return json.dumps({**LINE, **changes}).encode() + b"\n"


ANSWERS = {
    "a formula cell": (
        "a.csv",
        sheet('A1,"=HYPERLINK(1)",1,sky,object,0.9,'),
        r"a.csv, row 2, column Input.layer.*formula",
    ),
    "a formula after a sign": ("a.csv", sheet(GOOD, "@SUM(A1),pool5,1,sky,object,0.9,"), r"row 3, column WorkerId"),
    "a wrong code": ("a.csv", sheet("A1,pool5,1,sky,7,0.9,"), r"row 2, column Answer.category: '7' is neither"),
    "a wrong category": ("a.csv", sheet("A1,pool5,1,sky,animal,0.9,"), r"column Answer.category: 'animal'"),
    "precision over 1": ("a.csv", sheet("A1,pool5,1,sky,object,1.2,"), r"column Answer.precision: 1.2 does not lie"),
    "precision NaN": ("a.csv", sheet("A1,pool5,1,sky,object,NaN,"), r"column Answer.precision: NaN does not lie"),
    "precision in words": (
        "a.csv",
        sheet("A1,pool5,1,sky,object,most,"),
        r"column Answer.precision: 'most' is no number",
    ),
    "unit zero, one-based": (
        "a.csv",
        sheet("A1,pool5,0,sky,object,0.9,"),
        r"column Input.unit: '0' is no whole number",
    ),
    "a person twice": ("a.csv", sheet(GOOD, GOOD), r"row 3, column worker: answered pool5 before, in row 2"),
    "a column missing": ("a.csv", sheet("A1", header="WorkerId"), r"row 1: column Input.layer, Input.unit, .* missing"),
    "a column doubled": ("a.csv", sheet(GOOD + ",", header=HEADER + ",WorkerId"), r"WorkerId stands there twice"),
    "a ragged row": ("a.csv", sheet("A1,pool5"), r"row 2: 2 cells where the header has 7"),
    "UTF-16": ("a.csv", sheet(GOOD).decode().encode("utf-16"), r"a.csv is UTF-16"),
    "Latin-1": ("a.csv", sheet(GOOD, "A2,pool5,1,café,object,0.9,").decode().encode("latin-1"), r"row 3: not UTF-8"),
    "a NUL": ("a.csv", sheet("A1,pool5,1,s\0ky,object,0.9,"), r"row 2: holds a NUL"),
    "no rows": ("a.csv", sheet(), r"a.csv holds no rows"),
    "an empty file": ("a.csv", b"", r"row 1: column WorkerId, .* missing"),
    "an open quote": ("a.csv", sheet('A1,pool5,1,"sky,object,0.9,'), r"not CSV"),
    "a text too long": ("a.csv", sheet(f"A1,pool5,1,{'sky' * 100},object,0.9,"), r"300 characters, 200 are allowed"),
    "a cut .mat": (
        "a.mat",
        b"MATLAB 5.0 MAT-file".ljust(126) + b"IM" + b"\x0e\0\0\0\xff\0\0\0",
        r"a.mat: it is damaged",
    ),
    "no .mat at all": ("a.mat", b"PK\x03\x04", r"a.mat: it is no MAT-file of level 5"),
    "not JSON": ("a.jsonl", line() + b"{sky}\n", r"a.jsonl, row 2: not JSON"),
    "JSON's Infinity": ("a.jsonl", line(precision=float("inf")), r"row 1, column precision: Infinity does not lie"),
    "an unknown key": ("a.jsonl", line(iou=0.3), r"row 1, column iou: not known here"),
    "a mark never shown": (
        "a.jsonl",
        line(shown=[0, 1], marked=[7]),
        r"column marked: marks a crop that was not shown",
    ),
    "marks against the precision": ("a.jsonl", line(shown=[0, 1], marked=[0]), r"column precision: 0.9 is not what"),
    "another ending": ("a.xlsx", b"PK", r"a.xlsx: answers come as .mat, .csv or .jsonl"),
}
LABELS = {
    "duplicate units": (
        sheet(IOU_GOOD, IOU_GOOD, header=IOU_HEADER),
        r"row 3, column unit: unit 1 stands in row 2 too",
    ),
    "IoU over 1": (sheet("1,object,sky,1.5,sky,1.5,leg,0.1", header=IOU_HEADER), r"row 2, column object-iou: 1.5 does"),
    "IoU NaN": (sheet("1,object,sky,nan,sky,nan,leg,0.1", header=IOU_HEADER), r"row 2, column object-iou: nan does"),
    "a score of its own": (
        sheet("1,object,sky,0.3,sky,0.2,leg,0.1", header=IOU_HEADER),
        r"column score: 0.3 is not the IoU",
    ),
    "not the best": (
        sheet("1,object,sky,0.2,sky,0.2,leg,0.6", header=IOU_HEADER),
        r"column score: 0.2 is not the highest",
    ),
    "another label": (sheet("1,object,sea,0.2,sky,0.2,leg,0.1", header=IOU_HEADER), r"column label: 'sea' is not"),
    "a category without columns": (
        sheet("1,scene,sky,0.2,sky,0.2,leg,0.1", header=IOU_HEADER),
        r"column category: 'scene'",
    ),
    "a unit too many": (
        sheet("900,object,sky,0.2,sky,0.2,leg,0.1", header=IOU_HEADER),
        r"has a unit 900, layer pool5 has 1",
    ),
    "no score": (sheet("1,object", header="unit,category"), r"row 1: column label, score missing"),
    "formula label": (sheet("1,object,=1+1,0.2,=1+1,0.2,leg,0.1", header=IOU_HEADER), r"column object-label.*formula"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_hostile_answers_are_refused_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    name, content, sentence = ANSWERS[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("import_annotations", "hostile", answers=tmp_path / name)
    assert refused.value.returncode == 2
    assert str(refused.value).count("\n") == 0
    tables = (Campaign, HIT, Assignment, Worker, Network, Unit)
    assert not any(table.objects.exists() for table in tables)


@pytest.mark.parametrize("case", LABELS)
def test_hostile_labels_are_refused_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    content, sentence = LABELS[case]
    (tmp_path / "good.csv").write_bytes(sheet(GOOD))
    import_annotations(campaign_name="kept", path=tmp_path / "good.csv", network_name="kept", now=timezone.now())
    Layer.objects.update(is_size_known=True)
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("import_iou", "kept", tmp_path / "bad.csv", layer="pool5")
    assert Unit.objects.count() == 1
    assert not AutomaticLabel.objects.exists()


def test_the_good_rows_beside_which_the_bad_ones_stand_are_good(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(sheet(GOOD))
    (tmp_path / "a.jsonl").write_bytes(line())
    (tmp_path / "b.csv").write_bytes(sheet(IOU_GOOD, header=IOU_HEADER))
    for name in ("a.csv", "a.jsonl"):
        call_command("import_annotations", "good", answers=tmp_path / name)
    call_command("import_iou", "good", tmp_path / "b.csv", layer="pool5")
    assert Assignment.objects.count() == 1
    assert AutomaticLabel.objects.count() == 2


def test_a_failure_after_the_reading_leaves_the_earlier_import_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(sheet(GOOD))
    call_command("import_annotations", "kept", answers=tmp_path / "a.csv")
    (tmp_path / "a.jsonl").write_bytes(line(worker="x" * 33, description="sea"))
    with pytest.raises(CommandError, match="pseudonym has at most 32 characters"):
        call_command("import_annotations", "kept", answers=tmp_path / "a.jsonl")
    assert [row.description for row in Answer.objects.all()] == ["sky"]


def test_a_campaign_that_asks_people_itself_takes_no_import(tmp_path: Path) -> None:
    Campaign.objects.create(name="asking", reward_usd=1, budget_cap_usd=1, seed=1, created_at=timezone.now())
    (tmp_path / "a.csv").write_bytes(sheet(GOOD))
    with pytest.raises(CommandError, match="asks people itself"):
        call_command("import_annotations", "asking", answers=tmp_path / "a.csv")
