"""Crops of units that nobody asked about are cut when somebody looks at them or asks people about them."""

import csv
import hashlib
import io
import itertools
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from django.conf import settings
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from numpy.random import default_rng
from pytest_django import Settings

from annotator.crowd.campaigns.crops import CropsGone, CropsUncut, await_crops, check_crops
from annotator.crowd.models import Campaign, HITType
from annotator.figures.management.commands import figures
from annotator.units import cutting, gpu_process, gpu_queue, strips
from annotator.units.cutting import CropsNotCut, demand_cut, find_uncut
from annotator.units.models import IMPORTED, DissectedUnit, Dissection
from tests.annotator.crowd.making import NOW, make_hit
from tests.workers.engine import making
from workers import contract
from workers.engine.format.artifact import checksum_name, is_late, tile_name
from workers.store import NotStored, open_store
from workers.valkey import connected

NETWORK = "tests.workers.engine.making:tiny_module"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gpu_process")]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=12)
    return tmp_path / "set"


@pytest.fixture
def dissection(images: Path, settings: Settings, tmp_path: Path) -> Dissection:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}/artifacts"
    torch.save({"state_dict": making.tiny_network(seed=4).module.state_dict()}, tmp_path / "tiny.pth")
    return dissect(images, tmp_path, "--crops", "asked")


def dissect(images: Path, folder: Path, *more: str) -> Dissection:
    output = io.StringIO()
    call_command(
        "dissect", "--network", NETWORK, "--layer", "4", "--batch-size", "4", "--no-chance", "--weights",
        str(folder / "tiny.pth"), "--images", str(images), "--n-top", "4", "--n-low", "2", "--tile-px", "16", "--json",
        *more, stdout=output,
    )  # fmt: skip
    return Dissection.objects.get(id=json.loads(output.getvalue())["id"])


def list_units(dissection: Dissection) -> list[DissectedUnit]:
    rows = dissection.dissected_units.select_related("dissection__image_set", "unit__layer__network")
    return list(rows.order_by("unit__index"))


def look_until(ask: Callable[[], HttpResponse], status: int) -> HttpResponse:
    deadline = time.monotonic() + 60
    while (answer := ask()).status_code != status:
        assert answer.status_code == 503
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer


def test_a_page_shows_a_placeholder_then_the_crops(
    dissection: Dissection, viewer: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unit, *others = list_units(dissection)
    assert is_late(unit.strip)
    address = f"/crops/{dissection.pk}/{unit.strip}.jpg"
    part = viewer.get(f"/crops/{dissection.pk}/{unit.strip}/missing", headers={"HX-Request": "true"})
    assert part.content.strip() == b"", "nothing is missing"
    first = viewer.get(address)
    assert (first.status_code, first.headers["Cache-Control"]) == (503, "no-store")
    assert b"being cut" in first.content
    assert address not in caplog.text, "the log of an operator tells faults"
    # A card shows it in the place of a wall, and would cut the words of a picture of other proportions.
    width, height = map(int, re.findall(rb"\d+", first.content.split(b"viewBox=")[1])[2:4])
    assert width / height == pytest.approx(518 / 388, rel=0.01)
    shown = look_until(lambda: viewer.get(address), 200)
    assert shown.headers["Cache-Control"].startswith("private, max-age")
    store = open_store(dissection.artifact)
    assert hashlib.sha256(shown.content).hexdigest() == store.read(checksum_name(unit.strip)).decode()
    assert [other for other in others if store.exists(tile_name(other.strip))] == [], "the others were not looked at"
    # They are those of a dissection that cut all of them at once.
    whole = list_units(dissect(tmp_path / "set", tmp_path))[0]
    assert not is_late(whole.strip)
    assert viewer.get(f"/crops/{whole.dissection_id}/{whole.strip}.jpg").content == shown.content
    strips.read_strip.cache_clear()
    # What is damaged is cut again: for who looks at it, and for who asks people about it.
    store.write(tile_name(unit.strip), b"something else")
    assert find_uncut([unit]) == [unit]
    assert viewer.get(address).status_code == 503
    assert look_until(lambda: viewer.get(address), 200).content == shown.content
    assert find_uncut([unit]) == []


def test_a_figure_waits_for_the_crops_that_it_shows(
    dissection: Dissection, viewer: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = Campaign.objects.create(name="drawn", reward_usd=1, budget_cap_usd=1, seed=1, created_at=NOW)
    unit = list_units(dissection)[0]
    make_hit(hit_type=HITType.objects.create(campaign=campaign), unit=unit.unit, dissected_unit=unit)
    said = io.StringIO()
    with monkeypatch.context() as alone:  # no GPU process is there, and none can be started
        alone.setattr(gpu_queue, "list_processes", list)
        alone.setattr(gpu_process, "COMMAND", ["-c", ""])
        figures.Command(stderr=said)._cut_crops([dissection])
    assert re.search(r"^The GPU process did not start.* The figures are without them\.$", said.getvalue().strip())
    address = "/campaigns/drawn/figures/best-units-4.svg"
    first = viewer.get(address)
    assert (first.status_code, first["Cache-Control"]) == (503, "no-store")
    call_command("figures", "--dissections", str(dissection.pk), "--out", str(tmp_path), stdout=io.StringIO())
    rows = list(csv.DictReader((tmp_path / "best-units-4.csv").read_text().splitlines()))
    assert {row["crops"] for row in rows} == {"4"}
    assert viewer.get(address).content.count(b"<image") == 4 * len(rows)


def test_crops_are_cut_before_people_are_asked(dissection: Dissection) -> None:
    units = list_units(dissection)
    assert find_uncut(units) == units
    with pytest.raises(CropsUncut, match=r"The crops of 3 units are being cut\. Try again in a moment") as uncut:
        check_crops(units[:3])
    await_crops(uncut.value.units)
    check_crops(units[:3])
    assert find_uncut(units) == units[3:]


def test_changed_photographs_are_no_crops(dissection: Dissection, images: Path, viewer: Client) -> None:
    for path in sorted((images / "images").glob("*.png")):
        if "_" not in path.name:
            content = bytearray(path.read_bytes())
            content[-5] ^= 1
            path.write_bytes(bytes(content))
    units = list_units(dissection)
    with pytest.raises(CropsGone, match="is not the photograph that was dissected: dissect again"):
        await_crops(units[:1])
    answer = look_until(lambda: viewer.get(f"/crops/{dissection.pk}/{units[0].strip}-2x2.jpg"), 404)
    assert b"cannot be cut" in answer.content
    assert not open_store(dissection.artifact).exists(tile_name(units[0].strip))


def test_nobody_waits_for_ever(dissection: Dissection, monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU process cuts anything here. If one does other work, the patience is longer, and the sentence another."""
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(cutting.gpu_queue, "send", lambda name, message: sent.append(message))
    units = list_units(dissection)[:4]
    for is_alive, said, asked in ((True, "busy", units[:2]), (False, "see to it that one runs", units[2:])):
        monkeypatch.setattr(cutting, "is_any_alive", lambda is_alive=is_alive: is_alive)
        clock = itertools.count(step=5.0)
        with pytest.raises(CropsNotCut, match=f"The crops of 2 units are not cut yet.*{said}"):
            demand_cut(asked, sleep=lambda seconds: None, clock=lambda clock=clock: next(clock))  # type: ignore[misc]
        assert (next(clock) > cutting.BUSY_SECONDS) == is_alive
    assert [contract.CutRequest.from_json(message).units for message in sent] == [[0, 1], [2, 3]], "asked once"
    # A message that may still wait in the queue is not sent again, however long it waits.
    with connected(settings.REDIS_URL) as client:
        for unit in units:
            key = contract.cutting_key(dissection.artifact, unit.strip)
            client.expire(key, contract.CUTTING_KEPT_SECONDS - contract.CUTTING_SECONDS - 2)
    for is_empty, n_sent in ((False, 2), (True, 3), (True, 3)):
        monkeypatch.setattr(cutting.gpu_queue, "is_empty", lambda is_empty=is_empty: is_empty)
        cutting.ask_to_cut(units)
        assert len(sent) == n_sent


def test_an_imported_dissection_has_the_crops_that_came_with_it(dissection: Dissection, viewer: Client) -> None:
    image_set = dissection.image_set
    image_set.address = f"{IMPORTED}:{image_set.address}"
    image_set.save()
    unit = list_units(dissection)[0]
    answer = viewer.get(f"/crops/{dissection.pk}/{unit.strip}.jpg")
    assert answer.status_code == 404
    assert b"did not cut them" in answer.content
    with pytest.raises(NotStored):
        strips.read_strip(artifact=dissection.artifact, strip=unit.strip)
    # One unit that cannot be cut keeps no other one, where that is wanted.
    other = list_units(dissection)[1]
    other.dissection.image_set.address = image_set.address.removeprefix(f"{IMPORTED}:")
    with pytest.raises(CropsNotCut, match="did not cut them"):
        demand_cut([unit, other], passes_over=True)
    assert find_uncut([unit, other]) == [unit]
