"""A researcher in a browser compares two methods by asking people: from descriptions to results and the report."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from annotator.crowd.models import Assignment, Campaign
from annotator.studies.models import Study
from annotator.studies.tasks import compute
from annotator.units.models import AutomaticLabel, Dissection, Image
from annotator.work.tasks import run
from tests.annotator.crowd.fixtures import market
from tests.annotator.crowd.making import draw_photographs, keep_vectors, make_dissection
from tests.annotator.dashboard.conftest import Open
from tests.annotator.dashboard.test_stories import look_at

__all__ = ["market"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
# What the photographs show, by the names of their folders. Unit k is active where the k-th is.
SHOWN = ("owl", "lamp")
NOBODY_SAYS = "elsewhere"
WEB_QUEUE = {task.name: task for task in (run, compute)}


@pytest.fixture
def images(market: Any, live_server: Any, settings: Any, tmp_path: Path) -> Path:
    """A dissected folder of photographs. Pixels say what its two units respond to, `swapped` says the opposite."""
    folder = tmp_path / "images"
    for name in (*SHOWN, NOBODY_SAYS):
        (folder / name).mkdir(parents=True)
    settings.HIT_PAGES_URL = live_server.url
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    settings.VAR = tmp_path / "var"
    dissection = make_dissection(folder, n_units=len(SHOWN), n_top=2, n_low=1)
    rows = list(dissection.image_set.images.all())
    names = [(*SHOWN, NOBODY_SAYS)[image.index % 3] for image in rows]
    for image, name in zip(rows, names, strict=True):
        image.path = f"{name}/{image.index}.jpg"
    Image.objects.bulk_update(rows, ["path"])
    draw_photographs(dissection)
    keep_vectors(dissection, np.array([[name == one for one in SHOWN] for name in names]))
    swapped = tmp_path / "swapped.csv"
    swapped.write_text("layer,unit,description\n")
    for place, name in enumerate(SHOWN):
        AutomaticLabel.objects.filter(unit__index=place).update(label=name)
        with swapped.open("a") as file:
            file.write(f"features.3,{place},{SHOWN[1 - place]}\n")
    call_command("import_descriptions", str(swapped), dissection=str(dissection.pk), method="swapped")
    return folder


def plan(page: Page, name: str) -> None:
    page.fill("[name=name]", name)
    page.fill("[name=unit]", "features.3:0-1")
    for method in ("labeled pixels", "swapped"):
        page.get_by_label(method, exact=True).check()
    page.fill("[name=images]", "15")
    page.get_by_text("Stopping rule, sampling and seed").click()
    page.select_option("[name=concepts]", "none")
    page.get_by_role("button", name="Plan and price").click()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_text("None was asked yet.")).to_be_visible()


def see(page: Page, address: str = "") -> None:
    """Wide and light, narrow and dark."""
    assert list(look_at(page, address or page.url)) == []
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_study_is_planned_asked_answered_read_and_deleted(
    images: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The web queue's work is done within the request; what is sent over HTTP to the marketplace stays as it is.
    monkeypatch.setattr("workers.app.app.send_task", lambda name, args, queue: WEB_QUEUE[name](*args))
    page = open_page(f"/dissections/{Dissection.objects.get().pk}/")
    page.get_by_role("link", name="Plan a study of descriptions").click()
    see(page)
    plan(page, "owls")
    expect(page.locator("#results")).to_contain_text("questions of 3 people each: at most $")
    expect(page.get_by_role("heading", name="Nobody has answered yet")).to_be_visible()
    see(page)
    page.get_by_role("button", name="Ask the next round").click()
    page.get_by_role("link", name="owls-round1").click()
    see(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#campaign")).to_contain_text("published")

    call_command("simulate_people", "owls-round1", images=images, error=0.1, workers=4)
    page.reload()
    page.get_by_role("button", name="Collect and approve").click()
    expect(page.locator("#campaign")).to_contain_text("approved")
    assert set(Assignment.objects.values_list("state", flat=True)) == {"approved"}
    address = page.url.split("/campaigns/")[0] + "/studies/owls/"
    see(page, address)
    expect(page.get_by_text("Ratings are by simulated people.")).to_be_visible()
    rows = page.locator("table").first.locator("tbody tr")
    assert [float(row.split("[")[0].split("\t")[-1]) > 0 for row in rows.all_inner_texts()] == [True, False]
    with page.expect_download() as download:
        page.get_by_role("link", name="The whole report (ZIP)").click()
    assert download.value.suggested_filename == "owls-study.zip"
    expect(page.get_by_text("Delete this study")).to_have_count(0)

    page.goto(address.replace("studies/owls/", f"plan/?dissection={Dissection.objects.get().pk}"))
    plan(page, "lamps")
    page.get_by_role("button", name="Ask the next round").click()
    page.get_by_text("Delete this study").click()
    page.get_by_label("Delete it for good").check()
    page.get_by_role("button", name="Delete the study").click()
    expect(page.get_by_text("Deleted the study lamps and its campaigns lamps-round1.")).to_be_visible()
    assert [one.name for one in (Study.objects.get(), Campaign.objects.get())] == ["owls", "owls-round1"]
