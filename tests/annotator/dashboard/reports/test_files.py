"""What comes in and goes out as files: imports, reports, exports, figures of several networks."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.template.loader import render_to_string
from django.test import Client

from annotator.accounts.models import AuditEntry, Role
from annotator.comparison.models import UnitComparison
from annotator.crowd.models import Campaign
from annotator.dashboard.reports import downloads, imports
from annotator.descriptions.models import Description
from annotator.labels.models import UnitLabel
from annotator.published import upload_process, uploads
from tests.annotator.dashboard.making import World, make_world, sign_in

ROOT = Path(__file__).resolve().parents[4]
ANSWERS = [
    {"layer": "pool5", "index": index, "description": word, "category": "object", "precision": 0.9}
    for index, word in enumerate(["lamp", "sea"])
]
LABELS = (
    "unit,category,label,score,object-label,object-truth,object-activation,object-intersect,object-iou\n"
    "2,object,sea,0.2,sea,100,100,50,0.2\n"
)


def upload(client: Client, kind: str, name: str, content: str, **fields: str) -> tuple[int, str]:
    file = SimpleUploadedFile(name, content.encode())
    response = client.post("/import/", {"kind": kind, "file": file, **fields})
    return response.status_code, response.content.decode()


@pytest.fixture
def researcher(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The process that reads an upload has a connection of its own, to the database of the tests."""
    name = connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl())
    return sign_in(Role.RESEARCHER)


@pytest.fixture
def here(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Files are read in the process of the test, which spares 3 s for each."""

    def run(command: list[str], *, input: str, **_: Any) -> subprocess.CompletedProcess[str]:
        told = upload_process.take_in_or_refuse(json.loads(input))
        return subprocess.CompletedProcess(command, 0, json.dumps(told), "")

    monkeypatch.setattr(uploads, "subprocess", SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired))
    return sign_in(Role.RESEARCHER)


def test_published_answers_and_labels_come_in_by_upload(researcher: Client) -> None:
    answers = "\n".join(map(json.dumps, ANSWERS))
    assert upload(researcher, "answers", "../../old.jsonl", answers, campaign="old")[0] == 302
    assert [label.concept for label in UnitLabel.objects.order_by("unit__index")] == ["lamp", "sea"]
    assert upload(researcher, "labels", "pool5.csv", LABELS, of_campaign="old", layer="pool5")[0] == 302
    assert UnitComparison.objects.get().relation == "equal"
    entry = AuditEntry.objects.filter(action="import").earliest("id")
    assert (entry.subject, entry.details["file"], len(entry.details["sha256"])) == ("campaign old", "old.jsonl", 64)


def test_descriptions_come_in_by_upload_whole_or_not_at_all(here: Client) -> None:
    fields = {"network": "net", "layer": "block 1=c", "method": "mine", "description_column": "words"}
    rows = "layer,unit,words\nblock 1,0,a dog\n"
    status, page = upload(here, "descriptions", "said.csv", rows + "block 1,1,\n", **fields)
    assert (status, "row 3, column words: it is empty" in page) == (200, True)
    assert not Description.objects.exists()
    assert upload(here, "descriptions", "said.csv", rows, **fields)[0] == 302
    only = Description.objects.get()
    assert (only.method.name, only.unit.layer.path, only.unit.index, only.text) == ("mine", "c", 0, "a dog")
    assert AuditEntry.objects.filter(action="import").latest("id").details["methods"] == "mine"


def test_a_file_that_cannot_be_read_is_refused_whole_and_says_where(here: Client) -> None:
    status, page = upload(here, "answers", "good.jsonl", json.dumps(ANSWERS[0]), campaign="a/b")
    assert (status, "A name has 1 to 80 characters" in page) == (200, True)
    bad = json.dumps(ANSWERS[0]) + "\n" + json.dumps(ANSWERS[1] | {"precision": 2})
    status, page = upload(here, "answers", f"{'長い' * 60}.jsonl", bad, campaign="old")
    assert (status, "row 2" in page or "line 2" in page) == (200, True)
    for kind, name, fields, words in [
        ("answers", "x.exe", {"campaign": "old"}, "A file that ends in"),
        ("labels", "x.csv", {"of_campaign": "none", "layer": "pool5"}, "Select a valid choice"),
    ]:
        status, page = upload(here, kind, name, "x", **fields)
        assert (status, words in page) == (200, True), (kind, words)
    assert not Campaign.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_file_too_large_to_wait_for_is_refused(here: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_BYTES", 1 << 20)
    assert "larger than 1 MB" in upload(here, "answers", "x.csv", "x" * (1 << 20) + "x", campaign="old")[1]


def test_a_file_that_takes_too_much_to_read_ends_its_own_process_alone(
    researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = f"{json.dumps(ANSWERS[0] | {'description': 'lamp ' * 39})}\n" * 100_000
    monkeypatch.setattr(uploads, "MAX_MEMORY_BYTES", 320 << 20)  # what is imported takes 250 MB of addresses
    status, page = upload(researcher, "answers", "many.jsonl", rows, campaign="old")
    assert (status, "many.jsonl takes more than 0 GB of memory" in page) == (200, True)
    monkeypatch.setattr(uploads, "MAX_SECONDS", 0)
    monkeypatch.setattr(uploads, "LATER_SECONDS", 0)
    status, page = upload(researcher, "answers", "long.jsonl", json.dumps(ANSWERS[0]), campaign="old")
    assert (status, "Nothing was imported" in page) == (200, True)
    assert not Campaign.objects.exists()
    with uploads._one_at_a_time(), ThreadPoolExecutor(1) as pool:
        sent = pool.submit(closing, lambda: upload(researcher, "answers", "a.jsonl", rows, campaign="old"))
        assert "Another file is being read now" in sent.result(timeout=60)[1]


def test_a_process_that_does_not_hear_its_alarm_ends() -> None:
    """Code in C that waits for the database comes to no step of Python. Here the alarm is not set at all."""
    lines = [
        "import time", "from annotator.published import upload_process", "upload_process.GRACE_SECONDS = 0.05",
        "upload_process.bound_process(2 << 30, 0)", "time.sleep(600)",
    ]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", "; ".join(lines)], cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"Timeout" in done.stderr


def closing(act: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    try:
        return act()
    finally:
        connections.close_all()


def read(client: Client, address: str) -> bytes:
    response = client.get(address)
    assert response.status_code == 200, address
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return bytes(content)


def test_the_report_and_the_export_are_what_the_commands_write(world: World, viewer: Client) -> None:
    assert len(json.loads(read(viewer, "/campaigns/try/report.json"))["units"]) == 5
    assert read(viewer, "/campaigns/try/report.csv").decode().count("features.3") == 5
    for address, wanted in (
        ("/campaigns/try/export.zip", {"try/answers.jsonl", "try/units.parquet", "try/data_card.md"}),
        ("/campaigns/try/report.zip", {"try/index.html", "try/report.css", "try/figures/semantic-types.svg"}),
    ):
        with zipfile.ZipFile(io.BytesIO(read(viewer, address))) as archive:
            assert wanted <= set(archive.namelist())
            assert b"ASIMULATED" not in b"".join(archive.read(name) for name in archive.namelist())


def test_what_has_no_labels_or_too_many_answers_is_refused_in_words(
    world: World, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_ANSWERS", 10)
    response = viewer.get("/campaigns/try/export.zip")
    assert (response.status_code, "manage.py export try" in response.content.decode()) == (422, True)
    monkeypatch.undo()
    UnitLabel.objects.all().delete()
    assert viewer.get("/campaigns/try/export.zip").status_code == 422
    assert viewer.get("/campaigns/try/report.pdf").status_code == 404


def test_a_share_and_a_correlation_say_of_how_many(world: World, viewer: Client) -> None:
    assert "of 5 units, 95 % interval" in viewer.get("/campaigns/try/figures/").content.decode()
    assert viewer.get("/campaigns/try/comparison/").content.decode().count("2 of 3") == 4
    found = {"precision_against_iou": {"rho": 0.5, "low": None, "high": None, "n_units": 5}}
    written = render_to_string("published/report.html", {"report": {"agreement": found}})
    assert "with IoU over 5 units, 95 % interval none: too few, or all alike" in written
    label = UnitLabel.objects.get(unit__index=1)
    reviewed = sign_in(Role.REVIEWER).get(f"/review/try/{label.pk}/?evidence=1").content.decode()
    assert "2 of 3 answers · scene · precision 68 %" in reviewed


def test_networks_side_by_side(world: World, viewer: Client, tmp_path: Path) -> None:
    other = make_world(tmp_path / "other", name="other", campaign="second", n_units=3)
    query = f"campaign=try&campaign=second&dissection={world.dissection.pk}&dissection={other.dissection.pk}"
    page = viewer.get(f"/networks/?{query}").content.decode()
    assert page.count("<figure") == 2
    assert read(viewer, f"/networks/networks.svg?{query}&theme=dark").startswith(b"<svg")
    table = read(viewer, f"/networks/networks.csv?{query}&download=1").decode()
    assert {"try", "second"} <= {line.split(",")[0] for line in table.splitlines()}
    assert b"net features.3" in read(viewer, f"/networks/zoo.csv?{query}")
    assert b"epoch" in read(viewer, f"/networks/along.svg?{query}&positions=1 2&axis=epoch")
    for wrong in ("along.svg?" + query, "zoo.csv?campaign=try", "zoo.exe?" + query, f"zoo.csv?{query}&positions=1"):
        assert viewer.get(f"/networks/{wrong}").status_code == 404, wrong


def test_a_bundle_goes_out_and_comes_in_by_upload(world: World, here: Client) -> None:
    response = here.get("/campaigns/try/bundle.zip")
    bundle = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert response["Content-Disposition"] == 'attachment; filename="try-bundle.zip"'

    def send(name: str = "copy", content: bytes = bundle) -> str:
        file = SimpleUploadedFile("bundle.zip", content)
        answer = here.post("/import/", {"kind": "bundle", "file": file, "name": name}, follow=True)
        return answer.content.decode()

    page = send()
    assert "15 answers on 6 units imported" in page
    assert "Its report equals the bundle" in page
    assert "here already with the same content" in send()
    assert "is not from a bundle" in send(name="")
    assert "no bundle of Unitscope" in send(name="other", content=b"PK")
    entries = AuditEntry.objects.filter(action="import", subject="campaign copy").order_by("id")
    assert [entry.details["new"] for entry in entries] == [True, False]
    assert sorted(Campaign.objects.values_list("name", "state")) == [("copy", "closed"), ("try", "collecting")]


def test_labels_of_a_network_that_nobody_was_asked_about_come_in_by_upload(here: Client) -> None:
    status, page = upload(here, "labels", "pool5.csv", LABELS, layer="pool5")
    assert (status, "either a campaign or a network" in page) == (200, True)
    assert upload(here, "labels", "pool5.csv", LABELS, of_network="paper", layer="pool5")[0] == 302
    assert "sea" in here.get("/units/?network=paper&layer=pool5").content.decode()
