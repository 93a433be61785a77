"""From a crop to its photograph: what lies over it is what the network does there, asked of a GPU process once."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image as Picture

from annotator.dashboard.looking import photographs
from annotator.evidence import looking
from annotator.evidence.models import Question
from annotator.units.models import Dissection
from tests.annotator.dashboard.looking.conftest import ARCHITECTURE, Run
from tests.annotator.dashboard.test_pages import MAX_QUERIES
from workers import contract
from workers.engine.networks.loading import load_network, normalize
from workers.store import open_store

OVERLAY_PX = 256


@pytest.fixture
def look(viewer: Client, run: Run, dissection: Dissection, django_capture_on_commit_callbacks: Any) -> Any:
    """Reads a page, and the part of it that waits for the GPU processes: first as it waits, then as it is answered."""

    def read(address: str) -> str:
        with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks(execute=True):
            response = viewer.get(address, headers={"HX-Request": "true"} if "/look?" in address else {})
        assert response.status_code == 200, (address, response.status_code)
        is_asking = "hx-trigger" in response.content.decode() and "/look?" in address
        assert is_asking or len(captured) <= MAX_QUERIES, address
        return str(response.content.decode())

    def look_at(address: str) -> tuple[str, str, str]:
        page = read(address)
        part = page.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
        waiting = read(part)
        run()
        return page, waiting, read(part)

    return look_at


def open_png(client: Client, page: str, part: str) -> Any:
    address = next(src for src in page.split('src="')[1:] if part in src.split('"')[0]).split('"')[0]
    return np.asarray(Picture.open(io.BytesIO(client.get(address).content)))


def test_a_crop_opens_its_photograph_with_what_the_unit_does_there(
    look: Any, viewer: Client, tmp_path: Path, dissection: Dissection
) -> None:
    page, waiting, seen = look("/units/small/1/2/crops/3/")
    assert "Rank 3 of 5 top crops" in page
    assert "/units/small/1/2/crops/2/" in page
    assert "/units/small/1/2/crops/4/" in page
    assert "Waiting for a GPU process" in waiting
    question = Question.objects.get()
    assert question.state == Question.State.ANSWERED, question.refusal
    assert question.image.index == 3

    # The oracle: the file through the network, by torch alone; layer 1's cells lie 2 px apart, the first at pixel 1.
    loaded = load_network(architecture=ARCHITECTURE, weights=None)
    pixels = np.asarray(Picture.open(tmp_path / "set" / "images" / "003.png").convert("RGB"))
    images = normalize(pixels=torch.tensor(pixels[None]), preprocessing=loaded.preprocessing)
    with torch.no_grad():
        own = loaded.module[1](loaded.module[0](images))[0, 2].numpy()  # type: ignore[index]
    place = np.clip(((np.arange(OVERLAY_PX) + 0.5) * 32 / OVERLAY_PX - 0.5 - 1) / 2, 0, own.shape[0] - 1)
    along = np.stack([np.interp(place, np.arange(own.shape[1]), row) for row in own])
    grown = np.stack([np.interp(place, np.arange(own.shape[0]), column) for column in along.T], axis=1)
    mask = open_png(viewer, seen, "unit-2-mask.png")[..., 3] > 0
    sure = np.abs(grown - 0.2) > 1e-4
    assert (mask == (grown > 0.2))[sure].all()
    assert 0 < mask.mean() < 1
    heat = open_png(viewer, seen, "unit-2-heat.png")[..., 3]
    assert np.abs(heat - 255 * grown / grown.max()).max() < 1.5
    segment = open_png(viewer, seen, "unit-2-segment.png")[..., 3] > 0
    assert (segment == (grown > 0.2 * 2.0))[np.abs(grown - 0.4) > 1e-4].all()

    assert "Pixels labeled" in seen
    assert 'title="The crop"' in seen
    assert 'title="Empirical receptive field"' in seen
    x, y = np.unravel_index(own.argmax(), own.shape)[::-1]
    at = f'title="The peak" style="left: {100 * (1.5 + 2 * x) / 32:.2f}%; top: {100 * (1.5 + 2 * y) / 32:.2f}%"'
    assert at in seen
    assert "Show where unit 2 fires" not in seen
    others = {index for index in range(6) if f"Show where unit {index} fires" in seen}
    with torch.no_grad():
        peaks = loaded.module[1](loaded.module[0](images))[0].amax(dim=(1, 2))  # type: ignore[index]
    assert others == {index for index in range(6) if index != 2 and float(peaks[index]) > 0.2}
    assert not open_store(question.folder).exists(contract.CLEAN_PHOTOGRAPH)

    look("/units/small/1/4/crops/3/")
    assert Question.objects.count() == 1, "another unit's crop of the same photograph asks nothing"
    open_store(question.folder).remove(contract.UNIT_MAPS)
    look("/units/small/1/4/crops/3/")
    assert Question.objects.count() == 2, "an answer whose file is gone is asked for again"


def test_a_photograph_has_a_page_of_its_own(
    look: Any, viewer: Client, dissection: Dissection, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, _, seen = look("/images/small-set/1/")
    assert page.count("<strong>rank 1</strong>") == 6
    assert "best of more places" not in page
    assert ">Where unit " in seen
    assert ">Other units that fire here</h2>" in seen, "a unit is chosen, so it is none of those below"
    assert "It is among the top images of no unit" in look("/images/small-set/8/")[0]
    monkeypatch.setattr(photographs, "N_RANKED", 4)
    monkeypatch.setattr(photographs, "N_LAYERS_OPEN", 0)
    page = viewer.get("/images/small-set/1/").content.decode()
    assert page.count("<strong>rank 1</strong>") == 4
    assert "the 4 best of more places" in page
    assert "<summary>Layer: small · 1, one of 1</summary>" in page
    given = f"/images/small-set/1/look?dissection={dissection.pk}&layer="
    unit = "/units/small/1/2/crops"
    pages = ("/images/small-set/99/", "/images/none/0/", f"{unit}/77/", "/units/small/1/9/crops/0/")
    for absent in (*pages, f"{unit}/0/?dissection=x", f"{given}2", "/images/small-set/1/look?dissection=x"):
        assert viewer.get(absent).status_code == 404, absent
    Dissection.objects.update(state="failed")
    assert "No network has been dissected" in viewer.get("/images/small-set/1/").content.decode()
    assert viewer.get("/units/small/1/2/crops/0/").status_code == 404


def test_what_cannot_be_looked_at_is_said(
    look: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dissection: Dissection
) -> None:
    monkeypatch.setattr(looking, "REFUSED_FOR", timedelta(days=9999))
    (tmp_path / "set" / "images" / "004.png").write_bytes(b"no picture")
    _, _, said = look("/units/small/1/2/crops/4/")
    assert "cannot be used" in said
    assert Question.objects.get().state == Question.State.REFUSED
    monkeypatch.setattr(looking, "MAX_WAITING", 0)
    assert "Too many questions wait" in look("/units/small/1/2/crops/1/")[1]
