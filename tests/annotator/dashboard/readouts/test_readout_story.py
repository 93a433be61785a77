"""A person in a browser asks two questions about one photograph, sees what image and words add to each answer, and
opens a unit behind one.
"""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from annotator.accounts.models import Role
from annotator.evidence.models import Question
from annotator.readouts.models import Readout
from annotator.units.models import Dissection, Layer, Network
from tests.annotator.crowd.making import make_dissection
from tests.annotator.dashboard.making import make_person
from tests.annotator.dashboard.readouts.conftest import ARCHITECTURE, N_UNITS
from tests.annotator.dashboard.test_stories import look_at
from tests.annotator.dashboard.trying.conftest import Run, photograph
from workers.engine.networks.loading import load_network

pytestmark = pytest.mark.browser


@pytest.fixture
def dissected(transactional_db: None, tmp_path: Path) -> Dissection:
    """Crops and labels of the six units that the read-out reads."""
    dissection = make_dissection(tmp_path, n_units=N_UNITS, n_top=5, n_low=1, name="small")
    loaded = load_network(architecture=ARCHITECTURE, weights=None)
    Network.objects.update(
        architecture=ARCHITECTURE, weights_sha256=loaded.weights_sha256, source_sha256=loaded.source_sha256
    )
    Layer.objects.update(path="1")
    Dissection.objects.update(layer_paths=["1"])
    return dissection


def test_two_questions_about_one_photograph(
    chromium: Browser, live_server: Any, dissected: Dissection, asks: Readout, run: Run
) -> None:
    make_person(Role.RESEARCHER, "ada")
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{live_server.url}/readouts/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "five-green-lamps")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="asks").click()
    expect(page.locator("#figures")).to_be_visible()
    assert list(look_at(page, page.url)) == []
    page.set_viewport_size({"width": 1440, "height": 900})

    page.set_input_files("[name=file]", {"name": "room.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    page.fill("[name=question]", "What is it?")
    page.get_by_role("button", name="Ask", exact=False).first.click()
    expect(page.locator("#progress")).to_contain_text("Waiting for a GPU process", timeout=60_000)
    run()
    expect(page.locator("#answer")).to_contain_text("[image]", timeout=60_000)
    page.fill(".us-form [name=question]", "How many?")
    page.locator(".us-form").get_by_role("button", name="Ask").click()
    expect(page.locator("#progress")).to_contain_text("Waiting for a GPU process", timeout=60_000)
    run()
    expect(page.locator("#others")).to_be_visible(timeout=60_000)
    answers = {one.options["question"]: one.answer for one in Question.objects.all()}
    assert answers.keys() == {"What is it?", "How many?"}
    told = answers["How many?"]
    expect(page.locator("#answer h2")).to_have_text(told["prediction"])
    expect(page.locator(".us-sum")).to_contain_text(f"{told['image_score']:.2f} [image]")
    expect(page.locator(".us-words .us-share").first).to_contain_text("how")
    expect(page.locator("table").filter(has_text="What is it?").first).to_contain_text(
        f"{answers['What is it?']['image_score']:.2f}"
    )
    assert list(look_at(page, page.url)) == []
    page.set_viewport_size({"width": 1440, "height": 900})

    strongest = max(told["units"], key=lambda unit: unit["contribution"])["index"]
    page.locator("#units").get_by_role("link", name=f"gadget {strongest}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Unit {strongest} of 1")
    context.close()
