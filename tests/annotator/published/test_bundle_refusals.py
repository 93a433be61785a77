"""What a bundle may not do to what is here, and what may be done to a campaign that came from one."""

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from pytest_django import Settings

from annotator.crowd.judging.paid_time import list_answers_of_people
from annotator.crowd.models import Answer, Assignment, Campaign, Worker
from annotator.crowd.pseudonyms import erase_worker
from annotator.published import upload_process
from annotator.published.bundle import unpacking
from annotator.published.bundle.archive import MANIFEST, MAX_LINE_BYTES, VERSION
from annotator.published.bundle.unpacking import BundleInTheWay, import_bundle
from annotator.published.exporting import export_campaign
from annotator.published.importing import CannotImport, import_annotations
from annotator.published.readers.cells import BadFile
from annotator.units.models import Network
from tests.annotator.published.bundles import change_rows, count_rows, rewrite, take_in
from tests.annotator.published.study import NOW, Study
from tests.databases import second_installation

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_copy_of_a_campaign_here_changes_neither_pay_nor_what_is_settled(study: Study) -> None:
    campaign = Campaign.objects.get()
    Assignment.objects.filter(state="submitted").update(state="approved")
    Worker.objects.update(external_id=F("pseudonym"))
    before = list_answers_of_people(campaign.pk)
    assert len(before) > 0
    take_in(study, name="copy")
    Assignment.objects.filter(hit__campaign__name="copy").update(state="submitted", stored_at=NOW + timedelta(1))
    assert list_answers_of_people(campaign.pk) == before
    worker = Worker.objects.earliest("pk")
    assert erase_worker(marketplace=worker.marketplace, worker_id=worker.external_id or "") > 0


def test_names_of_an_older_installation_come_in(study: Study, settings: Settings) -> None:
    Network.objects.filter(name="net").update(name="_my_net")
    Campaign.objects.update(name="old/name")
    export_campaign(campaign=Campaign.objects.get(), folder=study.folder / "older", now=NOW)
    with second_installation():
        settings.ARTIFACT_ROOT = f"file://{study.folder / 'second'}"
        import_bundle(path=study.folder / "older" / "bundle.zip", name="fine", now=NOW)
        assert Campaign.objects.get().name == "fine"
        assert Network.objects.filter(name="_my_net").exists()


def test_a_file_of_answers_does_not_overwrite_a_campaign_of_a_bundle(elsewhere: Study) -> None:
    take_in(elsewhere)
    file = elsewhere.folder / "export" / "answers.jsonl"
    kept = sorted(Answer.objects.values_list("pk", "description"))
    with pytest.raises(CannotImport, match="came from a bundle"):
        import_annotations(campaign_name=Campaign.objects.get().name, path=file, network_name="net", now=NOW)
    assert sorted(Answer.objects.values_list("pk", "description")) == kept


def put(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({name: content})


def drop(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        del files[name]
        manifest = json.loads(files[MANIFEST])
        del manifest["files"][name]
        files[MANIFEST] = json.dumps(manifest).encode()

    return change


HOSTILE = [
    (put("networks.jsonl", b"[" * 200_000), "not JSON"),
    (put("report.json", b"[]"), "report"),
    (put("report.json", b"nope"), "report"),
    (put("report.json", b"[" * 200_000), "report"),
    (drop("report.json"), "report"),
    (drop("answers.jsonl"), "answers.jsonl is missing"),
    (drop("campaigns.jsonl"), "campaigns.jsonl is missing"),
    (put(MANIFEST, b"[" * 200_000), "no bundle"),
    (put("networks.jsonl", b"{" + b" " * (MAX_LINE_BYTES + 1) + b"}"), "row of more than"),
    (put("networks.jsonl", b"\n" * 200), "row 1: not JSON"),
]


def test_a_hostile_bundle_is_refused_in_words_and_leaves_nothing(elsewhere: Study) -> None:
    for change, words in HOSTILE:
        with pytest.raises(BadFile, match=words):
            import_bundle(path=rewrite(elsewhere.bundle, change), now=NOW)
        assert sum(count_rows().values()) == 0, words


def test_what_would_unpack_to_far_more_than_it_is_is_refused_unread(elsewhere: Study) -> None:
    def claim(files: dict[str, bytes]) -> None:
        manifest = json.loads(files[MANIFEST])
        manifest["files"]["answers.jsonl"]["bytes"] = 2_000_000_000
        files[MANIFEST] = json.dumps(manifest).encode()

    with pytest.raises(BadFile, match=r"would unpack to 2,0[0-9,]+ bytes, more than 100 times its size"):
        import_bundle(path=rewrite(elsewhere.bundle, claim, is_resigned=False), now=NOW)


# Of what is here, the first row once more, as another one.
ADDED: list[tuple[str, dict[str, Any]]] = [
    ("units.jsonl", {"index": 999}),
    ("images.jsonl", {"index": 999_999, "path": "forged.jpg"}),
    ("top_images.jsonl", {"rank": 999}),
    ("automatic_labels.jsonl", {"source": "forged", "label": "forged", "is_best": False}),
]


@pytest.mark.parametrize(("file", "changes"), ADDED, ids=[file for file, _ in ADDED])
def test_no_bundle_adds_rows_to_what_is_here(study: Study, file: str, changes: dict[str, Any]) -> None:
    def add(files: dict[str, bytes]) -> None:
        first, *_ = files[file].splitlines(keepends=True)
        files[file] += json.dumps(json.loads(first) | changes).encode() + b"\n"

    before = count_rows()
    with pytest.raises(BundleInTheWay, match=r"a row that the same .* here does not have\. Nothing was imported"):
        import_bundle(path=rewrite(study.bundle, add), name="copy", now=NOW)
    assert count_rows() == before


def test_one_bundle_is_read_at_a_time_and_an_upload_does_not_wait_for_long(
    elsewhere: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing import removes its pictures, which another one would count on."""
    told = {"kind": "bundle", "path": str(elsewhere.bundle), "values": {"name": ""}, "actor": 0}
    monkeypatch.setattr(upload_process, "LOCK_SECONDS", 0.1)
    other = connection.copy()
    try:
        with transaction.atomic(), other.cursor() as cursor:
            unpacking._wait_for_other_imports()
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [unpacking._LOCK])
            assert cursor.fetchone() == (False,)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [unpacking._LOCK])
        upload_process.bound_connection(50)
        refused = upload_process.take_in_or_refuse(told)["refused"]
    finally:
        other.close()
        connection.close()
    assert "Upload it again when that is done" in refused
    assert not Campaign.objects.exists()


def test_other_content_under_the_same_name_is_refused(elsewhere: Study) -> None:
    take_in(elsewhere)
    before = count_rows()
    changed = rewrite(elsewhere.bundle, change_rows("answers.jsonl", description="forged"))
    with pytest.raises(BundleInTheWay, match=r"other content.*--as NAME"):
        import_bundle(path=changed, now=NOW)
    assert count_rows() == before
    assert not Answer.objects.filter(description="forged").exists()


def test_a_network_of_the_same_name_with_other_weights_is_refused(elsewhere: Study) -> None:
    Network.objects.create(name="net", architecture="unitscope:test", weights_sha256="f" * 64, registered_at=NOW)
    with pytest.raises(BundleInTheWay, match=r"weights_sha256 is f+ here"):
        take_in(elsewhere)
    assert not Campaign.objects.exists()


def test_a_damaged_file_changes_nothing(elsewhere: Study) -> None:
    content = elsewhere.bundle.read_bytes()
    damaged = elsewhere.folder / "damaged.zip"
    for broken in (
        content[: len(content) // 2],
        b"",
        b"PK\x03\x04 nothing",
        content.replace(b"JFIF", b"JFIX"),
    ):
        damaged.write_bytes(broken)
        with pytest.raises(BadFile, match=r"damaged|no bundle"):
            import_bundle(path=damaged, now=NOW)
    unsigned = rewrite(elsewhere.bundle, change_rows("answers.jsonl", description="x"), is_resigned=False)
    with pytest.raises(BadFile, match=r"answers\.jsonl is (not what|larger than) the manifest"):
        import_bundle(path=unsigned, now=NOW)
    assert sum(count_rows().values()) == 0


MISFITS: list[tuple[Callable[[dict[str, bytes]], None], str]] = [
    (lambda files: files.update({MANIFEST: json.dumps({"files": {}}).encode()}), "says something else"),
    (change_rows("answers.jsonl", hit_unit=999), "hit_unit leads to no row"),
    (change_rows("answers.jsonl", precision=7), "do not fit together"),
    (change_rows("answers.jsonl", category="nonsense"), "category is not one of"),
    (change_rows("answers.jsonl", shown_ranks="all"), "shown_ranks is of another shape"),
    (change_rows("answers.jsonl", shown_ranks=[0, [[]], 2]), r"shown_ranks is of another shape \(1: "),
    (change_rows("answers.jsonl", says="2020-01-01"), "says is of another shape"),
    (change_rows("unit_labels.jsonl", reasons={"groups": "none", "answers": []}), "reasons is of another shape"),
    (change_rows("dissections.jsonl", detectors={"features.3": {"paper": 3}}), r"detectors is .*features\.3\.paper"),
    (change_rows("answers.jsonl", new_field=1), "new_field is not known here"),
    (change_rows("answers.jsonl", description="a\0b"), "NUL|cannot be read"),
    (change_rows("campaigns.jsonl", name=None), "name is empty"),
    (change_rows("workers.jsonl", pseudonym="p" * 99), "pseudonym cannot be read"),
    (change_rows("dissected_units.jsonl", threshold=float("nan")), "not JSON"),
    (lambda files: files.update({"answers.jsonl": b"[]"}), "not an object"),
]


def test_rows_that_do_not_fit_are_refused_in_words(elsewhere: Study, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for change, words in MISFITS:
        with pytest.raises(BadFile, match=words):
            import_bundle(path=rewrite(elsewhere.bundle, change), now=NOW)
        assert sum(count_rows().values()) == 0, words
        assert ("Traceback" in caplog.text) == (words == "do not fit together"), "what may be a defect can be looked up"
        caplog.clear()


def test_a_newer_bundle_and_other_files_are_refused_in_words(elsewhere: Study) -> None:
    def make_newer(files: dict[str, bytes]) -> None:
        files[MANIFEST] = json.dumps(json.loads(files[MANIFEST]) | {"version": VERSION + 1}).encode()

    with pytest.raises(BadFile, match="newer Unitscope"):
        import_bundle(path=rewrite(elsewhere.bundle, make_newer), now=NOW)
    foreign = elsewhere.folder / "foreign.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CommandError, match="no bundle of Unitscope"):
        call_command("import_bundle", foreign)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_bundle", elsewhere.folder / "absent.zip")
