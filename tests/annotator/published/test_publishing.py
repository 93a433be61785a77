"""`d.publish(...)` from a notebook over HTTP: the dashboard has the same dissection, once, or nothing of it."""

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from numpy.random import default_rng
from pytest_django import Settings

from annotator.accounts.models import AuditEntry, Role, Scope
from annotator.accounts.tokens import issue_token
from annotator.published import staging
from annotator.published.dissections import take_dissection
from annotator.units.models import AutomaticLabel, Dissection, ImageSet, Network, TopImage
from tests.annotator.dashboard.making import make_person
from tests.workers.engine import making
from workers.engine.format.artifact import checksum_name, late_name, maps_name, tile_name
from workers.engine.measures.table import list_layer_files
from workers.store import open_store
from workers.unitscope import public as unitscope
from workers.unitscope import publishing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> unitscope.Dissection:
    folder = tmp_path_factory.mktemp("notebook") / "photographs"
    making.make_broden(folder, rng=default_rng(3), n_images=8)
    options = {"batch_size": 4, "n_top": 5, "n_low": 1, "tail": 0.2}
    return unitscope.dissect(
        "tests.workers.engine.making:tiny_module", layers=["4"], images=folder, progress=False, **options
    )


@pytest.fixture(autouse=True)
def installation(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads uploads gets its settings from the environment."""
    settings.VAR, settings.ARTIFACT_ROOT = tmp_path / "var", f"file://{tmp_path / 'store'}"
    name = connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl())
    monkeypatch.setenv("ARTIFACT_ROOT", settings.ARTIFACT_ROOT)
    monkeypatch.setattr(publishing, "PAUSE_SECONDS", 0.0)


def make_token(role: Role = Role.RESEARCHER, scope: Scope = Scope.ACT) -> str:
    person = make_person(role)
    return issue_token(user=person, name="notebook", actor=person, now=timezone.now(), scope=scope)


def count_rows() -> list[int]:
    return [model._default_manager.count() for model in (Dissection, Network, ImageSet, TopImage, AutomaticLabel)]


def test_a_dissection_is_published_once_and_goes_on_where_it_broke_off(
    found: unitscope.Dissection, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make_token()
    monkeypatch.setattr(publishing, "PIECE_BYTES", 20_000)
    send, offsets = publishing._ask, []

    def break_off(method: str, address: str, *given: Any) -> Any:
        if "/pieces?" in address:
            offsets.append(int(address.rpartition("=")[2]))
            if len(offsets) == 3:
                raise publishing.CannotPublish("The line is dead.")
        return send(method, address, *given)

    monkeypatch.setattr(publishing, "_ask", break_off)
    with pytest.raises(unitscope.CannotPublish, match="dead"):
        found.publish(live_server.url, token=token, progress=False)
    assert count_rows() == [0] * 5
    done = found.publish(f"{live_server.url}/", token=token, progress=False)
    # The third piece was lost, and nothing before it is sent again.
    assert offsets[:4] == [0, 20_000, 40_000, 40_000]
    dissection = Dissection.objects.get()
    assert done.address == f"{live_server.url}{reverse('dissection', args=[dissection.pk])}"
    assert (dissection.artifact_sha256, dissection.state) == (found.sha256, "done")
    assert (dissection.network.name, dissection.image_set.name) == ("tiny-module", "photographs")
    assert dissection.network.architecture == "imported:tests.workers.engine.making:tiny_module"
    units = {row.unit.index: row for row in dissection.dissected_units.select_related("unit")}
    assert [units[unit.index].threshold for unit in found["4"]] == [unit.threshold for unit in found["4"]]
    store, strip = open_store(dissection.artifact), tile_name(units[0].strip)
    assert store.read(strip) == found["4"].read_strip(units[0].strip)
    client = Client()
    client.force_login(make_person(Role.VIEWER, "reader"))
    for address in (
        reverse("dissection", args=[dissection.pk]), reverse("gallery"), reverse("unit", args=["tiny-module", "4", 0]),
    ):  # fmt: skip
        assert client.get(address).status_code == 200, address
    rows = count_rows()
    again = found.publish(live_server.url, token=token, progress=False)
    assert (again.address, "Nothing was changed" in again.sentence) == (done.address, True)
    assert count_rows() == rows
    assert AuditEntry.objects.filter(action="import", subject=f"dissection {dissection.pk}").count() == 2


def test_a_dissection_with_every_option_on_is_taken_in(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "images", rng=default_rng(3), n_images=8)
    options = {
        "batch_size": 4, "n_top": 5, "n_low": 1, "tail": 0.2, "occluded_images": 5, "exemplars": 2,
        "activation_vectors": True,
    }  # fmt: skip
    full = unitscope.dissect(
        "tests.workers.engine.making:tiny_module", layers=["4"], images=tmp_path / "images", progress=False, **options
    )
    path, strip, picture = full.save(tmp_path / "run.unitscope"), late_name("0" * 64), b"drawn when somebody looked"
    # What the command writes beside it where crops are cut later.
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(zipfile.ZipInfo(maps_name(0)), b"maps")
        file.writestr(zipfile.ZipInfo(tile_name(strip)), picture)
        file.writestr(zipfile.ZipInfo(checksum_name(strip)), hashlib.sha256(picture).hexdigest())
        names = file.namelist()
    # A measure that writes other files belongs to the options above.
    assert set(list_layer_files(0)) <= set(names)
    done = take_dissection(path=path, images_name="images", now=timezone.now())
    assert sorted(open_store(done.dissection.artifact).names()) == sorted(names)


def test_who_may_not_publish_is_told_so(found: unitscope.Dissection, live_server: Any) -> None:
    for token, said in (
        (make_token(Role.VIEWER), "Only a researcher may publish"),
        (make_token(scope=Scope.READ), "may only read"),
        ("unitscope_none", "unknown, revoked or too old"),
    ):
        with pytest.raises(unitscope.CannotPublish, match=said):
            found.publish(live_server.url, token=token, progress=False)
    with pytest.raises(unitscope.CannotPublish, match="no address such as"):
        found.publish("localhost:8000", token="", progress=False)
    assert count_rows() == [0] * 5


def test_a_file_that_is_not_what_it_says_leaves_nothing(
    found: unitscope.Dissection, tmp_path: Path, live_server: Any
) -> None:
    token = make_token()
    good = found.save(tmp_path / "run.unitscope").read_bytes()

    def changed(name: str, content: bytes | None) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(buffer, "w") as new:
            for one in old.namelist():
                new.writestr(zipfile.ZipInfo(one), old.read(one) if one != name or content is None else content)
            if name not in old.namelist():
                new.writestr(zipfile.ZipInfo(name), content or b"")
        return buffer.getvalue()

    with zipfile.ZipFile(io.BytesIO(good)) as file:
        manifest = file.read("manifest.json")
        strip = next(name for name in file.namelist() if name.startswith("tiles"))
    odd = json.dumps(json.loads(manifest) | {"passed_over": [3]}).encode()
    for content, said in (
        (b"no archive", "no saved dissection"),
        (changed("results/00001.json", b"{}"), "belongs to no dissection"),
        (changed("tiles/../../escape.jpg", b"x"), "belongs to no dissection"),
        (changed(strip, b"another picture"), "not the picture that its name says"),
        (changed("manifest.json", manifest.replace(b'"n_units": 5', b'"n_units": 6')), "not what its digest says"),
        (changed("manifest.json", b"[1]"), "manifest cannot be read"),
        (changed("manifest.json", odd), "passed_over are of another shape"),
    ):
        path = tmp_path / "other.unitscope"
        path.write_bytes(content)
        with pytest.raises(unitscope.CannotPublish, match=said):
            publishing.publish(path, url=live_server.url, token=token, images_name="set", progress=lambda *_: None)
    assert count_rows() == [0] * 5
    assert not [one for one in (tmp_path / "store").rglob("*") if one.is_file()]


def test_pieces_of_another_file_are_not_taken(settings: Settings) -> None:
    digest = hashlib.sha256(b"whole").hexdigest()
    assert staging.add_piece(owner=1, sha256=digest, offset=0, piece=b"who") == 3
    assert staging.add_piece(owner=1, sha256=digest, offset=0, piece=b"who") == 3
    assert staging.count_received(owner=2, sha256=digest) == 0
    assert staging.add_piece(owner=1, sha256=digest, offset=3, piece=b"XX") == 5
    with pytest.raises(staging.UploadWrong, match="not the file of this SHA-256"):
        staging.check_whole(owner=1, sha256=digest)
    assert staging.count_received(owner=1, sha256=digest) == 0
    staging.add_piece(owner=1, sha256=digest, offset=0, piece=b"old")
    os.utime(Path(settings.VAR) / "uploads" / "1" / digest, (0, 0))
    staging.add_piece(owner=2, sha256="0" * 64, offset=0, piece=b"")
    assert staging.count_received(owner=1, sha256=digest) == 0
