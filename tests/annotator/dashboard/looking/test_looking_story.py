"""People look into a network in a real browser: from unit to unit, by keyboard, by other words, and with a link."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from annotator.accounts.models import Role
from annotator.evidence.models import Question, UnitClasses
from annotator.labels.models import UnitLabel
from annotator.notes.models import UnitNote
from annotator.units.models import Dissection, Unit
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.conftest import Open
from tests.annotator.dashboard.looks import told_at
from tests.annotator.dashboard.making import World, make_person
from tests.annotator.dashboard.trying.conftest import Run
from tests.keyboard import press

pytestmark = pytest.mark.browser


@pytest.fixture
def role_in_browser() -> Role:
    return Role.RESEARCHER


@told_at(360, "dark")
def test_from_a_unit_to_a_crop_the_photograph_another_unit_and_its_class(
    transactional_db: None, run: Run, dissection: Dissection, open_page: Open, width: int, scheme: str
) -> None:
    other = Unit.objects.get(index=1)
    UnitClasses.objects.create(
        unit=other, speaks_for=[[3, "lighthouse", 1.5]], speaks_against=[], form="mean", found_at=NOW
    )
    dissection.dissected_units.update(threshold=-99.0, empirical_size_px=None)  # so that every unit fires
    page = open_page("/units/small/1/2/", width=width, scheme=scheme)
    page.locator("#crops .us-whole").nth(3).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 2 of 1, rank 3")
    expect(page.locator("#look")).to_contain_text("Waiting for a GPU process")
    run()
    assert Question.objects.get().state == Question.State.ANSWERED
    expect(page.locator("#firing")).to_be_visible()
    page.locator("#firing").get_by_role("link", name="unit 1", exact=True).or_(
        page.locator("#firing a[href='/units/small/1/1/']")
    ).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 1 of 1")
    expect(page.locator("#classes")).to_contain_text("lighthouse")


@told_at(1440, "light")
def test_five_units_by_keyboard_and_the_keys_of_the_page(
    small_world: World, open_page: Open, width: int, scheme: str
) -> None:
    page = open_page("/units/net/features.3/0/", width=width, scheme=scheme)
    for index in range(1, 5):
        press(page, "ArrowRight")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Unit {index} of features.3")
    press(page, "?")
    keys = page.get_by_role("dialog", name="Keys of this page")
    expect(keys.locator("dt", has_text="w")).to_be_visible()
    expect(keys).to_contain_text("Walk")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    press(page, "s")
    expect(page.get_by_role("heading", level=1)).to_have_text("Like unit 4 of features.3")
    page.locator("[name=unit][type=checkbox]").first.check()
    press(page, "b")
    expect(page.get_by_role("heading", level=1)).to_have_text("Units side by side")


@told_at(1440, "dark")
def test_a_unit_is_found_by_another_word_for_it(small_world: World, open_page: Open, width: int, scheme: str) -> None:
    UnitLabel.objects.filter(unit__index=1).update(concept="car")
    page = open_page("/units/", width=width, scheme=scheme)
    press(page, "/")
    page.keyboard.type("automobile")
    expect(page.locator(".us-unit")).to_have_count(1)
    page.locator(".us-unit").get_by_role("link", name="car").click()
    expect(page.locator(".us-headline").first).to_have_text("car")


@told_at(360, "light")
def test_a_link_is_sent_to_somebody_who_is_signed_out(
    small_world: World, open_page: Open, live_server: Any, settings: Any, width: int, scheme: str
) -> None:
    settings.WEB_URL = live_server.url
    page = open_page("/units/net/features.3/1/", width=width, scheme=scheme)
    page.fill("#note-text", "between us")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#notes")).to_contain_text("between us")
    page.get_by_text("Keep or share this view").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#shared-link").inner_text()
    guest = open_page(link.removeprefix(live_server.url), width=width, scheme=scheme, is_guest=True)
    expect(guest.get_by_role("heading", level=1)).to_have_text("Unit 1 of features.3 net")
    expect(guest.get_by_role("heading", name="Top crops, by rank")).to_be_visible()
    expect(guest.locator("body")).not_to_contain_text("between us")
    shown = guest.evaluate("getComputedStyle(document.querySelector('.us-tile')).backgroundImage")
    strip = re.search(r'"([^"]+[.]jpg)"', shown)
    assert strip is not None
    assert guest.request.get(strip[1]).ok
    guest.get_by_role("link", name=re.compile("Unit 2")).click()
    expect(guest.locator("[name=password]")).to_be_visible()


def test_what_was_typed_is_asked_about_and_tables_sort(small_world: World, open_page: Open) -> None:
    page = open_page("/units/net/features.3/1/")
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.fill("#note-text", "not sent")
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Similar units").click(no_wait_after=True)
    page.wait_for_function("document.querySelector('#note-text').value === 'not sent'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 1 of features.3")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#notes article")).to_contain_text("not sent")
    assert UnitNote.objects.get().text == "not sent"
    assert asked == ["beforeunload"]
    page.goto(f"{page.url.split('/units/')[0]}/people/")
    make_person(Role.VIEWER, "zoe")
    page.reload()
    names = page.locator(".us-table").first.locator("tbody td[data-label=Name]")
    heading = page.locator(".us-table").first.get_by_role("columnheader", name="Name")
    for order in ("ascending", "descending"):
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", order)
        shown = [one.strip() for one in names.all_inner_texts()]
        assert shown == sorted(shown, reverse=order == "descending")
