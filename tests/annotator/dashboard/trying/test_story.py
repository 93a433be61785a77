"""A person in a browser uploads a photograph, reads the first class, opens its strongest unit, comes back, compares,
deletes.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from annotator.accounts.models import Role
from annotator.evidence.models import Question
from annotator.units.models import Dissection, Layer, Network
from tests.annotator.crowd.making import make_dissection
from tests.annotator.dashboard.making import make_person
from tests.annotator.dashboard.test_stories import look_at
from tests.annotator.dashboard.trying.conftest import Run, photograph
from workers.engine.networks.loading import load_network

pytestmark = pytest.mark.browser


@pytest.fixture
def dissection(transactional_db: None, tmp_path: Path) -> Dissection:
    """Crops and labels of the six units that the network's head pools."""
    dissection = make_dissection(tmp_path, n_units=6, n_top=5, n_low=1, name="small")
    architecture = "tests.workers.engine.making:headed_module"
    loaded = load_network(architecture=architecture, weights=None)
    Network.objects.update(
        architecture=architecture, weights_sha256=loaded.weights_sha256, source_sha256=loaded.source_sha256
    )
    Layer.objects.update(path="1")
    Dissection.objects.update(layer_paths=["1"])
    return dissection


@pytest.fixture
def page(chromium: Browser, live_server: Any, dissection: Dissection) -> Any:
    make_person(Role.ADMIN, "ada")
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{live_server.url}/try/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "five-green-lamps")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/try/")
    yield page
    context.close()


def test_from_an_upload_to_the_strongest_unit_and_back(page: Page, run: Run) -> None:
    page.set_input_files("[name=file]", {"name": "garden.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    expect(page.locator("[name=image]")).to_have_value("")
    page.get_by_role("button", name="Ask the network").click()
    expect(page.locator("#progress")).to_contain_text("Waiting for a GPU process")
    run()
    first = page.locator(".us-predictions [aria-current]")
    expect(first).to_be_visible(timeout=60_000)
    question = Question.objects.get()
    best, second = question.answer["predictions"][:2]
    expect(first).to_contain_text(best["label"])
    strongest = max(best["units"], key=lambda unit: unit["contribution"])["index"]
    address = page.url
    shares = page.locator("#units .us-share")
    expect(shares).to_have_count(6)
    expect(shares.first).to_contain_text("not asked yet")
    asks = page.get_by_role("link", name="Ask people about 6 units that they were not asked about")
    assert f"units=1%3A{'%2C'.join(str(unit['index']) for unit in best['units'])}" in (asks.get_attribute("href") or "")

    slider, seen = page.locator("[data-strength-of]"), page.locator("#seen")
    slider.fill("20")
    assert seen.evaluate("one => one.style.getPropertyValue('--strength')") == "0.2"
    expect(page.locator(".us-box")).to_be_visible()
    page.locator("#box").uncheck()
    expect(page.locator(".us-box")).to_be_hidden()
    assert list(look_at(page, address)) == []
    page.set_viewport_size({"width": 1440, "height": 900})

    shares.first.get_by_role("link", name=f"gadget {strongest}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Unit {strongest} of 1")
    expect(page.locator("#classes")).to_contain_text(best["label"])
    page.go_back()
    page.wait_for_url(address)
    page.locator("#difference select").select_option(label=second["label"])
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#difference-title")).to_have_text(f"Why “{best['label']}” and not “{second['label']}”?")
    expect(page.locator("#difference .us-share")).to_have_count(6)
    page.get_by_role("button", name="Delete it").click()
    page.wait_for_url(re.compile("/try/$"))
    expect(page.locator(".us-table a")).to_have_count(0)
    assert not Question.objects.exists()
