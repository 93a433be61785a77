"""A person finds a HIT at the sandbox, does it inside the iframe, and the answer stands in the dashboard."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.flows.conftest import House

pytestmark = pytest.mark.browser
PASSWORD = "a-long-enough-word-9"


def accept_a_hit(page: Page, site: str) -> None:
    page.goto(f"{site}sign-up")
    page.fill("[name=name]", "Ann")
    page.select_option("[name=country]", "US")
    page.check("[name=of_age]")
    page.locator("main form button").last.click()
    expect(page.locator("#sign-in-key")).to_be_visible()
    page.goto(site)
    group = page.locator("#groups > li").first.get_attribute("data-group-id")
    page.goto(f"{site}groups/{group}/next")


def test_a_whole_hit_from_consent_to_the_dashboard(house: House, dissection: dict[str, Any], browser: Browser) -> None:
    house.manage("launch", "flow", "--dissection", dissection["id"], "--top-iou", "2", "--random", "1",
                 "--assignments", "1", "--yes")  # fmt: skip
    person = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    person.set_default_timeout(60_000)
    accept_a_hit(person, house.addresses["sandbox_worker_site"])

    preview = person.frame_locator("#hit-frame")
    expect(preview.locator("#description")).to_be_disabled()
    expect(preview.locator("body")).to_have_attribute("data-page", "preview")
    person.click("#accept")

    frame = person.frame_locator("#hit-frame")
    frame.locator("#agree").click()
    expect(frame.locator(".crop")).to_have_count(60)
    frame.locator("#submit").click()
    expect(frame.locator("#description-error")).to_be_visible()
    # What is wrong is not hidden by the bar, which follows what the page around the frame says.
    inside = frame.owner.element_handle().content_frame()
    assert inside is not None
    inside.wait_for_function(
        "document.querySelector('#description-error').getBoundingClientRect().bottom"
        " <= document.querySelector('.bar').getBoundingClientRect().top"
    )
    frame.locator("#description").fill("zebra crossing")
    for number in (3, 17, 40):
        frame.locator(".crop").nth(number).click()
    expect(frame.locator("#count")).to_have_text(re.compile("^3 of 60"))
    frame.locator("label", has_text="region or surface").click()
    expect(frame.get_by_role("radio", name=re.compile("^region or surface"))).to_be_checked()
    frame.locator("#submit").click()
    expect(person.locator("#done")).to_be_visible(timeout=60_000)
    assert person.context.cookies(house.addresses["hit_pages"]) == [], "HIT pages set no cookie"

    house.manage("collect", "flow", "--approve")
    house.manage("label", "flow")
    report = json.loads(house.manage("report", "flow", "--format", "json"))
    (unit,) = [unit for unit in report["units"] if unit["answers"]]
    assert unit["answers"][0]["description"] == "zebra crossing"
    assert unit["answers"][0]["category"] == "region or surface"
    assert 54 / 57 <= unit["precision"] <= 1, "three marks, of which some may lie on planted negatives"

    researcher = browser.new_context().new_page()
    researcher.set_default_timeout(60_000)
    researcher.goto(house.manage("first_admin").strip().splitlines()[-1])
    for field in researcher.locator("input[type=password]").all():
        field.fill(PASSWORD)
    researcher.get_by_role("button", name=re.compile("Set password")).click()
    expect(researcher).not_to_have_url(re.compile("welcome"))
    network = dissection["network"]
    researcher.goto(f"{house.addresses['dashboard']}units/{network}/{unit['layer']}/{unit['index']}/")
    expect(researcher.get_by_text("zebra crossing").first).to_be_visible()
