"""A campaign goes out as one file, and another installation makes the same report of it."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import Settings

from annotator.accounts.models import Role
from annotator.comparison.reports import describe_campaign
from annotator.crowd.models import Assignment, Campaign, HITUnit, Rejection, Worker
from annotator.descriptions.models import Description
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.published.bundle import unpacking
from annotator.published.bundle.archive import MANIFEST
from annotator.published.bundle.shapes import SHAPES, find_misfit
from annotator.published.bundle.tables import LEFT_OUT, TABLES
from annotator.published.bundle.unpacking import BundleInTheWay, import_bundle
from annotator.published.exporting import export_campaign
from annotator.published.reporting import write_report
from annotator.published.upload_process import TimeOver
from annotator.units.chance import describe_chance
from annotator.units.models import DissectedUnit, Dissection, Image, Network, TopImage
from tests.annotator.dashboard.addresses import PAGES, PARTS, WORK_PAGES, Shown
from tests.annotator.dashboard.making import sign_in
from tests.annotator.published.bundles import count_rows, rewrite, take_in
from tests.annotator.published.study import NOW, SHUFFLED, Study
from tests.databases import second_installation

pytestmark = pytest.mark.django_db(transaction=True)

APPS = ("units", "descriptions", "notes", "crowd", "labels", "comparison", "studies", "published")
ROOT = Path(__file__).parent.parent.parent.parent


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_field_of_every_model_is_exported_or_left_out_with_a_reason() -> None:
    by_model = {table.model: table for table in TABLES}
    for model in (model for app in APPS for model in apps.get_app_config(app).get_models()):
        if model in LEFT_OUT:
            continue
        assert model in by_model, f"{model.__name__} is in no bundle: add a table, or say in LEFT_OUT why not."
        table = by_model[model]
        named = {one.name for one in model._meta.concrete_fields}
        assert set(table.left_out) <= named
        assert all(table.left_out.values())
        assert {one.name for one in table.fields} | set(table.left_out) | {"id"} >= named
        assert all(one.remote_field.through in by_model for one in model._meta.many_to_many)
    columns = [one for table in TABLES for one in table.fields if one.get_internal_type() == "JSONField"]
    assert {f"{one.model.__name__}.{one.name}" for one in columns} == set(SHAPES)


def test_labels_of_earlier_versions_have_the_shape() -> None:
    answer = {"description": "a dog", "form": "dog", "head": "dog", "weight": 1.0, "precision": 0.9, "steps": []}
    for reasons in ({}, {"answers": [answer], "groups": []}, {"answers": [{**answer, "category": None}]}):
        assert find_misfit("UnitLabel.reasons", reasons) == ""
    assert "category" in find_misfit("UnitLabel.reasons", {"answers": [{**answer, "category": 2}]})


def test_another_installation_makes_the_same_report_byte_for_byte(study: Study, settings: Settings) -> None:
    write_report(campaign=Campaign.objects.get(), folder=study.folder / "report", now=NOW)
    with second_installation():
        settings.ARTIFACT_ROOT = f"file://{study.folder / 'second'}"
        check_report(study)


def check_report(elsewhere: Study) -> None:
    done = take_in(elsewhere)
    assert (done.is_new, done.report) == (True, "Its report equals the bundle's.")
    campaign = Campaign.objects.get()
    assert json.dumps(describe_campaign(campaign=campaign)) == json.dumps(elsewhere.report)
    write_report(campaign=campaign, folder=elsewhere.folder / "again", now=NOW)
    ours, theirs = list_files(elsewhere.folder / "again"), list_files(elsewhere.folder / "report")
    assert sum(name.startswith("crops/") for name in ours) == 6
    # The library that writes PDF numbers its objects in another order each time. It draws the SVG beside.
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name) and ".pdf" not in name] == []
    assert ours.keys() == theirs.keys()


def test_an_import_whose_time_is_over_leaves_no_pictures(elsewhere: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Path(urlsplit(django_settings.ARTIFACT_ROOT).path)
    seen = []

    def end(campaign: Campaign, bundle: Any) -> str:
        seen.extend(store.rglob("*.jpg"))
        raise TimeOver

    monkeypatch.setattr(unpacking, "_compare_reports", end)
    with pytest.raises(TimeOver):
        take_in(elsewhere)
    assert seen
    assert not [path for path in seen if path.exists()]
    assert not Campaign.objects.exists()


def test_it_exports_the_bundle_that_it_read(elsewhere: Study) -> None:
    done = take_in(elsewhere)
    export_campaign(campaign=Campaign.objects.get(), folder=elsewhere.folder / "again", now=NOW)
    with (
        zipfile.ZipFile(elsewhere.bundle) as first,
        zipfile.ZipFile(elsewhere.folder / "again" / "bundle.zip") as second,
    ):
        assert first.namelist() == second.namelist()
        assert [n for n in first.namelist() if first.read(n) != second.read(n)] == []
    assert json.loads(zipfile.ZipFile(elsewhere.bundle).read(MANIFEST))["content_sha256"] == done.content_sha256


def test_a_bundle_of_before_descriptions_is_read(elsewhere: Study) -> None:
    def forget(files: dict[str, bytes]) -> None:
        del files["methods.jsonl"], files["descriptions.jsonl"]
        manifest = json.loads(files[MANIFEST])
        del manifest["files"]["methods.jsonl"], manifest["files"]["descriptions.jsonl"]
        files[MANIFEST] = json.dumps(manifest).encode()

    import_bundle(path=rewrite(elsewhere.bundle, forget), now=NOW)
    assert not Description.objects.exists()


def test_what_was_asked_answered_and_decided_comes_along(elsewhere: Study) -> None:
    take_in(elsewhere)
    assert sorted(Worker.objects.values_list("pseudonym", "is_simulated", "external_id")) == [
        ("net-person-0", False, None), ("net-person-1", True, None), ("net-person-2", True, None),
    ]  # fmt: skip
    first = Assignment.objects.order_by("id").first()
    assert first is not None
    assert (first.is_left_out, first.left_out_reason) == (True, "misses 2 of 3 planted negatives")
    assert (first.started_at, first.seed, first.raw_answer, first.draft) == (NOW, 2**40 + 1, None, {})
    answer = first.answers.get()
    assert (answer.planted_ranks, answer.n_planted_missed, answer.marked_ranks) == ([12, 13], 0, [0, 2])
    assert answer.shown_ranks == list(range(14))
    rejection = Rejection.objects.get()
    assert (rejection.reason, rejection.confirmed_by, rejection.evidence) == ("empty", "bob", {"flags": ["fast"]})
    assert list(ConceptRevision.objects.values_list("kind", "reviewer")) == [("merge", "cem"), ("accept", "cem")]
    assert UnitLabel.objects.exclude(accepted_at=None).count() == 1
    assert {row.chosen_because for row in HITUnit.objects.all()} == {"random"}
    assert (TopImage.objects.count(), Image.objects.count()) == (6 * 15, 100)


def test_detectors_stand_beside_the_same_chance(elsewhere: Study) -> None:
    take_in(elsewhere)
    chance = describe_chance(Dissection.objects.get(is_baseline=False))["features.3"]["paper"]
    assert chance["shuffled_labels"] == SHUFFLED
    assert chance["random_weights"]["n_detectors"] == 2


def test_each_unit_has_its_label_of_record(elsewhere: Study) -> None:
    take_in(elsewhere)
    assert UnitLabel.objects.filter(is_of_record=True).count() == 5
    take_in(elsewhere, name="copy")
    assert UnitLabel.objects.filter(is_of_record=True).count() == 5


def test_the_campaign_asks_nobody_and_nothing_that_the_bundle_names_is_loaded(elsewhere: Study) -> None:
    take_in(elsewhere)
    campaign, network = Campaign.objects.get(), Network.objects.get(name="net")
    dissection = Dissection.objects.get(is_baseline=False)
    assert (campaign.state, campaign.is_imported) == ("closed", True)
    assert (network.architecture, network.weights) == ("imported:unitscope:test", "best.pth")
    assert network.weights_sha256 == "a" * 64
    assert dissection.image_set.address == "imported:first"
    assert dissection.artifact == f"file://{elsewhere.folder}/second/dissections/{dissection.pk}"


def test_every_page_of_it_opens(elsewhere: Study) -> None:
    take_in(elsewhere)
    client = sign_in(Role.ADMIN)
    shown = Shown(UnitLabel.objects.exclude(campaign=None).earliest("pk"), Dissection.objects.get(is_baseline=False))
    for route, addresses in (PAGES | PARTS | WORK_PAGES).items():
        for address in shown.fill_in(addresses):
            assert client.get(address).status_code == 200, route
    unit = DissectedUnit.objects.filter(dissection=shown.dissection).earliest("pk")
    sheet = f"/crops/{shown.dissection.pk}/{unit.strip}"
    assert client.get(f"{sheet}.jpg").status_code == 200
    assert client.get(f"{sheet}.svg").status_code == 404, "outlines stay where the dissection is"
    form = client.get("/dissections/new/").content.decode()
    assert ">net</option>" not in form


def test_neither_ids_of_people_nor_folders_of_the_machine_go_out(study: Study) -> None:
    with zipfile.ZipFile(study.bundle) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist() if not name.endswith(".jpg")).decode()
    for secret in ("ASIMULATED", "A1SECRET", "not sent", str(study.home)):
        assert secret not in text


def test_every_row_about_answers_says_if_people_are_simulated(study: Study) -> None:
    with zipfile.ZipFile(study.bundle) as archive:
        for name in ("workers", "assignments", "answers", "rejections", "unit_labels", "comparisons"):
            rows = [json.loads(line) for line in archive.read(f"{name}.jsonl").splitlines()]
            assert {type(row["is_simulated"]) for row in rows} == {bool}, name


def test_the_manifest_says_what_wrote_it(study: Study) -> None:
    with zipfile.ZipFile(study.bundle) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        for name, facts in manifest["files"].items():
            assert sha256(archive.read(name)).hexdigest() == facts["sha256"]
    assert set(manifest["versions"]) == {"unitscope", "commit", "python", "django", "numpy"}
    assert manifest["lexicon"]["sha256"] == UnitLabel.objects.earliest("pk").lexicon_sha256
    assert manifest["answers_by"] == "people, some of them simulated"


def test_twice_is_once(elsewhere: Study) -> None:
    take_in(elsewhere)
    before = count_rows()
    again = take_in(elsewhere)
    assert not again.is_new
    assert "Nothing was changed" in again.sentence
    assert count_rows() == before


def test_a_second_name_shares_what_was_dissected(elsewhere: Study) -> None:
    take_in(elsewhere)
    assert take_in(elsewhere, name="copy").is_new
    assert (Campaign.objects.count(), Dissection.objects.count(), Worker.objects.count()) == (2, 2, 3)
    one, two = (describe_campaign(campaign=campaign) for campaign in Campaign.objects.order_by("id"))
    assert one | {"campaign": "copy"} == two


def test_the_installation_that_wrote_it_keeps_its_own(study: Study) -> None:
    with pytest.raises(BundleInTheWay, match="is not from a bundle"):
        take_in(study)
    assert take_in(study, name="copy").report == "Its report equals the bundle's."
    assert Dissection.objects.get(is_baseline=False).artifact.endswith("artifact-net")


KILLED = """
import os, signal, sys, django
django.setup()
from pathlib import Path
from django.utils import timezone
from annotator.published.bundle.unpacking import import_bundle

def tell(line):
    if line.startswith("pictures of units: 3"):
        os.kill(os.getpid(), signal.SIGKILL)

import_bundle(path=Path(sys.argv[1]), now=timezone.now(), tell=tell)
"""


def test_a_killed_import_leaves_nothing_and_is_done_again(elsewhere: Study, settings: Settings) -> None:
    name = connection.settings_dict["NAME"]
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    own = {
        "DATABASE_URL": address, "ARTIFACT_ROOT": settings.ARTIFACT_ROOT,
        "DJANGO_SETTINGS_MODULE": "annotator.settings",
    }  # fmt: skip
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, elsewhere.bundle], cwd=ROOT, env=os.environ | own, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert sum(count_rows().values()) == 0
    assert any((elsewhere.folder / "second").rglob("*.jpg")), "it had begun to write"
    assert take_in(elsewhere).report == "Its report equals the bundle's."
