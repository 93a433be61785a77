"""Answers and labels from elsewhere: three formats of answers, two of labels, repeatable, layer by layer."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from annotator.accounts.models import Role
from annotator.comparison.models import ImportedDescription
from annotator.comparison.reports import describe_campaign
from annotator.crowd.models import Assignment, Campaign, Worker
from annotator.crowd.pseudonyms import CannotErase, erase_worker, keep_worker
from annotator.descriptions.models import Description, Method
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Layer, Network, Unit
from tests.annotator.dashboard.making import make_person

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, tzinfo=UTC)
COLUMNS = "HITId,WorkerId,AssignmentStatus,RejectionTime,Input.layer,Input.unit"
MTURK = f"""{COLUMNS},Answer.description,Answer.category,Answer.precision
H1,A1,Approved,,conv5,1,Sky,3,0.9
H1,A2,Approved,,conv5,1,sky,region or surface,0.8
H1,A3,Rejected,Mon Nov 23 2026,conv5,1,nonsense,6,0.1
H2,A1,Approved,,conv5,2,legs,4,1
"""
IOU = "unit,category,label,score,object-label,object-iou\n1,object,sky,0.2,sky,0.2\n2,object,wolf,0.3,wolf,0.3\n"
CLIP = "layer,unit,description,similarity\nconv5,0,blue sky,0.31\nconv5,1,leg,-0.02\nfc,0,dog,1.4\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "mturk.csv").write_text(MTURK)
    (tmp_path / "iou.csv").write_text(IOU)
    (tmp_path / "descriptions.csv").write_text(CLIP)
    return tmp_path


def load(files: Path, name: str = "mturk.csv") -> Campaign:
    call_command("import_annotations", "papers", answers=files / name, stdout=StringIO())
    return Campaign.objects.get(name="papers")


def report() -> dict[str, Any]:
    return describe_campaign(campaign=Campaign.objects.get(name="papers"))


def test_mturks_results_become_answers_with_zero_based_units(files: Path) -> None:
    load(files)
    units = report()["units"]
    assert [(unit["index"], unit["concept"], unit["category"]) for unit in units] == [
        (0, "sky", "region or surface"),
        (1, "leg", "object part"),
    ]


def test_the_database_knows_how_many_rows_came(files: Path) -> None:
    """Planned for the empty table that it was, labeling what was published in 2015 has taken minutes."""
    load(files)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [Assignment._meta.db_table])
        assert cursor.fetchone() == (4,)


def test_rejected_answers_come_in_and_do_not_count(files: Path) -> None:
    load(files)
    assert Assignment.objects.count() == 4
    assert UnitLabel.objects.get(unit__index=0).precision == pytest.approx(0.85)


def test_amazons_worker_ids_stay_in_the_table_of_workers(files: Path) -> None:
    load(files)
    assert set(Worker.objects.values_list("external_id", flat=True)) == {"A1", "A2", "A3"}
    shown = [worker["worker"] for worker in report()["workers"]]
    assert len(shown) == 2
    assert not set(shown) & {"A1", "A2", "A3"}


def test_a_person_of_a_file_is_erased_by_id_and_by_pseudonym(files: Path) -> None:
    load(files)
    Worker.objects.filter(external_id="A2").update(external_id=None)  # as bundles and answers.jsonl name people
    known = Worker.objects.get(external_id="A3").pseudonym
    Worker.objects.filter(external_id="A3").update(external_id=None, pseudonym="made-with-another-key")
    for name, n_answers in (("A1", 2), ("A2", 1), ("made-with-another-key", 1)):
        assert erase_worker(marketplace="mturk", worker_id=name) == n_answers
    assert not Worker.objects.filter(external_id__isnull=False).exists()
    assert all(worker.pseudonym.startswith("E") for worker in Worker.objects.all())
    with pytest.raises(CannotErase, match="pseudonym"):
        erase_worker(marketplace="mturk", worker_id=known)


def test_a_person_known_from_a_file_gets_their_id_when_they_work_here(files: Path) -> None:
    load(files)
    Worker.objects.filter(external_id="A1").update(external_id=None)
    kept = keep_worker(marketplace="mturk", worker_id="A1", is_simulated=False, now=NOW)
    assert Worker.objects.get(pk=kept.pk).external_id == "A1"


def test_importing_again_leaves_one_copy(files: Path) -> None:
    load(files)
    first = report()
    load(files)
    assert report() == first
    assert (Assignment.objects.count(), Unit.objects.count(), Worker.objects.count()) == (4, 2, 3)


def test_a_corrected_file_replaces_its_layers_and_no_other(files: Path) -> None:
    load(files)
    row = {"layer": "conv4", "index": 3, "description": "stripes", "category": "texture or material", "precision": 1}
    (files / "conv4.jsonl").write_text(json.dumps(row))
    load(files, "conv4.jsonl")
    (files / "mturk.csv").write_text(MTURK.replace("legs", "arms"))
    load(files)
    assert sorted(unit["concept"] for unit in report()["units"]) == ["arm", "sky", "stripe"]


def test_an_unknown_worker_leaves_the_vote_unweighted(files: Path) -> None:
    row = {"layer": "conv5", "index": 0, "category": "object", "precision": 0.5, "description": "dog"}
    (files / "a.jsonl").write_text("\n".join(json.dumps({**row, "worker": w}) for w in ("W1", None)))
    load(files, "a.jsonl")
    label = UnitLabel.objects.get()
    assert [answer["weight"] for answer in label.reasons["answers"]] == [1, 1]
    assert label.crop_probabilities is None
    assert report()["workers"] is None


def test_labels_are_compared_as_they_come_in_and_the_last_file_counts(files: Path) -> None:
    campaign = load(files)
    for _ in range(2):
        call_command("import_iou", "papers", files / "iou.csv", layer="conv5", stdout=StringIO())
    assert AutomaticLabel.objects.count() == 2
    assert [unit["relation"] for unit in report()["units"]] == ["equal", "different"]
    (files / "iou.csv").write_text(IOU.replace("wolf", "leg"))
    call_command("import_iou", "papers", files / "iou.csv", layer="conv5", stdout=StringIO())
    assert [unit["relation"] for unit in report()["units"]] == ["equal", "equal"]
    assert campaign.is_imported


def test_clip_dissects_names_stand_beside_and_are_no_iou(files: Path) -> None:
    load(files)
    call_command("import_iou", "papers", files / "descriptions.csv", layer="conv5", stdout=StringIO())
    found = report()
    assert [unit["clip_description"]["name"] for unit in found["units"]] == ["blue sky", "leg"]
    assert found["units"][1]["clip_description"]["similarity"] == -0.02
    said = Description.objects.filter(method__name="CLIP-Dissect").order_by("unit__index")
    assert list(said.values_list("text", "score")) == [("blue sky", 0.31), ("leg", -0.02)]
    assert found["units"][0]["iou"] is None
    assert found["description_agreement"]["n_equal_or_synonym"] == 1, "a blue sky is a kind of sky"
    assert found["agreement"] is None


def test_names_of_another_scale_stay_and_the_file_is_refused_whole(files: Path) -> None:
    load(files)
    method = Method.objects.create(name="CLIP-Dissect", score_name="rho", created_at=NOW)
    unit = Unit.objects.earliest("pk")
    said = Description.objects.create(unit=unit, method=method, text="a sea", score=2, source="s", imported_at=NOW)
    with pytest.raises(CommandError, match=r"'rho' here and 'similarity' in the file: two scales under one name"):
        call_command("import_iou", "papers", files / "descriptions.csv", layer="conv5")
    assert list(Description.objects.values_list("pk", "text", "score")) == [(said.pk, "a sea", 2)]
    assert not ImportedDescription.objects.exists()
    said.delete()
    call_command("import_iou", "papers", files / "descriptions.csv", layer="conv5", stdout=StringIO())
    assert Method.objects.get().score_name == "similarity"


def test_a_layer_that_is_not_there_lists_those_that_are(files: Path) -> None:
    load(files)
    with pytest.raises(CommandError, match="no units in a layer conv9; its layers: conv5"):
        call_command("import_iou", "papers", files / "iou.csv", layer="conv9")
    (files / "descriptions.csv").write_text(CLIP.replace("conv5", "layer4"))
    with pytest.raises(CommandError, match="no row of layer conv5; it has fc, layer4"):
        call_command("import_iou", "papers", files / "descriptions.csv", layer="conv5")


def test_an_imported_network_has_nothing_to_load(files: Path) -> None:
    load(files)
    assert Network.objects.get().architecture == "imported"


def test_units_that_both_sides_name_differently_are_chosen_for_another_look(files: Path) -> None:
    load(files)
    written = StringIO()
    with pytest.raises(CommandError, match="is named differently where both are sure"):
        call_command("choose", "papers", stdout=written)
    call_command("import_iou", "papers", files / "iou.csv", layer="conv5", stdout=StringIO())
    call_command("choose", "papers", stdout=written)
    assert written.getvalue() == "conv5:1\n"


@pytest.mark.parametrize("words", ["- dash list", "=)", "+ sign", "@ home", "-", "'tis a dog"])
def test_what_people_wrote_is_read_whatever_it_begins_with(files: Path, words: str) -> None:
    (files / "mturk.csv").write_text(MTURK.replace("legs", f'"{words}"'))
    campaign = load(files)
    assert words in [answer["description"] for unit in report()["units"] for answer in unit["answers"]]
    call_command("export", "papers", out=files / "out", stdout=StringIO())
    call_command("import_annotations", "again", answers=files / "out" / "answers.jsonl", stdout=StringIO())
    again = describe_campaign(campaign=Campaign.objects.get(name="again"))
    assert again["units"] == describe_campaign(campaign=campaign)["units"]


@pytest.mark.parametrize("name", ["mturk.csv", "iou.csv", "descriptions.csv", "answers.jsonl"])
def test_a_byte_order_mark_is_no_part_of_a_file(files: Path, name: str) -> None:
    line = {"layer": "conv5", "index": 0, "description": "sky", "category": "object", "precision": 1}
    (files / "answers.jsonl").write_text(json.dumps(line))
    (files / name).write_bytes(b"\xef\xbb\xbf" + (files / name).read_bytes())
    load(files, "answers.jsonl" if name.endswith("l") else "mturk.csv")
    for labels in ("iou.csv", "descriptions.csv"):
        call_command("import_iou", "papers", files / labels, layer="conv5", stdout=StringIO())
    assert report()["units"][0]["broden_label"] == "sky"


def test_labels_may_name_more_units_than_people_were_asked_about(files: Path) -> None:
    load(files)
    (files / "iou.csv").write_text(IOU + "320,object,dog,0.1,dog,0.1\n")
    call_command("import_iou", "papers", files / "iou.csv", layer="conv5", stdout=StringIO())
    assert Layer.objects.get().n_units == 320
    call_command("export", "papers", out=files / "out", stdout=StringIO())
    call_command("import_annotations", "again", answers=files / "out" / "answers.jsonl", stdout=StringIO())
    call_command("import_iou", "again", files / "out" / "netdissect-conv5.csv", layer="conv5", stdout=StringIO())
    first, second = (describe_campaign(campaign=Campaign.objects.get(name=name)) for name in ("papers", "again"))
    assert first | {"campaign": "again"} == second
    assert Layer.objects.get(network__name="again").n_units == 320


def test_labels_come_in_without_answers_of_people(files: Path) -> None:
    call_command("import_iou", files / "iou.csv", network="papers", layer="conv5", stdout=StringIO())
    assert sorted(AutomaticLabel.objects.values_list("unit__index", "label")) == [(0, "sky"), (1, "wolf")]
    load(files)
    assert [unit["relation"] for unit in report()["units"]] == ["equal", "different"]
    with pytest.raises(CommandError, match="either a campaign or --network"):
        call_command("import_iou", files / "iou.csv", layer="conv5")


def test_simulated_answers_stay_simulated(files: Path) -> None:
    rows = [
        {"layer": "conv5", "index": 0, "description": "sky", "category": "object", "precision": 1, "worker": worker,
         "is_simulated": worker == "W2"} for worker in ("W1", "W2")
    ]  # fmt: skip
    (files / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    campaign = load(files, "answers.jsonl")
    assert report()["answers_by"] == "people, some of them simulated, as imported"
    call_command("export", "papers", out=files / "out", stdout=StringIO())
    kept = [json.loads(line) for line in (files / "out" / "answers.jsonl").read_text().splitlines()]
    assert {row["worker"]: row["is_simulated"] for row in kept} == {"W1": False, "W2": True}
    assert campaign.unit_labels.get().simulated_words == "partly simulated"
    (files / "answers.jsonl").write_text(json.dumps(rows[1] | {"is_simulated": False}))
    with pytest.raises(CommandError, match="Worker W2 is simulated here"):
        call_command("import_annotations", "other", answers=files / "answers.jsonl")


def test_words_in_any_script_and_empty_answers_of_a_file(shared: Path) -> None:
    call_command("import_annotations", "papers", answers=shared / "data" / "cases" / "hindi.jsonl", stdout=StringIO())
    labels = UnitLabel.objects.filter(campaign__name="papers").order_by("unit__index")
    named = {label.unit.index: (label.concept, label.n_same_concept) for label in labels}
    assert named == {
        0: ("पानी", 2), 1: ("बस", 2), 2: ("हाथी", 2), 3: ("कुत्ता", 2), 4: ("หมู", 2), 5: ("நாய்", 2), 6: ("dog", 2),
        7: ("svg", 3), 8: ("hyperlink", 3), 9: ("", 0), 10: ("", 0), 11: ("dog", 1),
    }  # fmt: skip


def test_concept_and_category_are_by_the_same_people(tmp_path: Path) -> None:
    """Two people name roads, and choose an object; two others choose a scene, and each names something else."""
    said = [("road", "object"), ("street", "object"), ("lines", "scene"), ("cloud", "scene"), ("fog", "scene")]
    rows = [
        {"layer": "conv5", "index": 0, "description": word, "category": category, "precision": 0.5, "worker": None}
        for word, category in said
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    load(tmp_path, "a.jsonl")
    label = UnitLabel.objects.get()
    assert (label.concept, label.n_same_concept, label.category, label.n_same_category) == ("road", 2, "object", 2)
    (unit,) = report()["units"]
    assert (unit["n_same_concept"], len(unit["answers"]), unit["is_by_older_rules"]) == (2, 5, False)


def test_labels_of_older_rules_say_so(files: Path, client: Client) -> None:
    load(files)
    UnitLabel.objects.update(rule_version=1)
    client.force_login(make_person(Role.VIEWER))
    assert "older rules" in client.get("/campaigns/papers/").content.decode()
    assert "older rules" in client.get("/units/papers/conv5/0/").content.decode()
    call_command("label", "papers", stdout=StringIO())
    assert "older rules" not in client.get("/units/papers/conv5/0/").content.decode()


def test_pages_say_how_many_people_name_a_concept(files: Path, client: Client) -> None:
    load(files)
    client.force_login(make_person(Role.VIEWER))
    for address in ("/units/?campaign=papers", "/units/papers/conv5/0/", "/campaigns/papers/"):
        assert "2 of 2" in client.get(address).content.decode(), address
