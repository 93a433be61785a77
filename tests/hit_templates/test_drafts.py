"""What a person has done is kept, whatever becomes of the page, the browser and the connection."""

import pytest
from playwright.sync_api import Page, expect

from annotator.crowd.models import Assignment
from tests.hit_templates.acting import mark, marked, wait_saved
from tests.hit_templates.conftest import Open

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_reloads_going_away_and_a_killed_browser_lose_nothing(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    mark(page, 3, 17)
    page.keyboard.press("3")
    for n_more in range(5):
        wait_saved(page)
        page.reload()
        expect_work(page, [3, 17, *range(20, 20 + n_more)])
        mark(page, 20 + n_more)
    wait_saved(page)
    page.goto("about:blank")
    page.go_back()
    expect_work(page, [3, 17, 20, 21, 22, 23, 24])
    page.context.close()
    expect_work(start_page(address), [3, 17, 20, 21, 22, 23, 24])


def expect_work(page: Page, positions: list[int]) -> None:
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#description")).to_have_value("wheel")
    assert marked(page) == positions
    assert page.locator("input[name=category]:checked").input_value() == "object"


def test_two_tabs_keep_what_was_done_in_both(address: str, start_page: Open) -> None:
    first = start_page(address)
    first.fill("#description", "wheel")
    mark(first, 1)
    wait_saved(first)
    second = start_page(address, beside=first)
    mark(second, 2)
    wait_saved(second)
    mark(first, 3)
    expect(first.locator("#notice")).to_contain_text("another tab")
    expect(first.locator("#count")).to_have_text("3 of 60 marked")
    wait_saved(first)
    assert Assignment.objects.get().draft["marked"] == [1, 2, 3]


def test_offline_the_person_is_told_and_online_it_is_saved(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    wait_saved(page)
    page.context.set_offline(True)
    mark(page, 4)
    expect(page.locator("#saved")).to_contain_text("no connection")
    page.click("#submit")
    expect(page.locator("#notice, #category-error").first).to_be_visible()
    page.context.set_offline(False)
    wait_saved(page)
    assert Assignment.objects.get().draft["marked"] == [4]


HIDE = """isHidden => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => isHidden});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_what_is_done_in_a_gap_of_the_network_is_all_there_afterwards(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    wait_saved(page)
    page.context.set_offline(True)
    page.fill("#description", "wheels of cars")
    mark(page, 1, 2, 3, 4, 5, 6)
    page.evaluate(HIDE, True)  # the browser takes the beacon, and never delivers it
    page.evaluate(HIDE, False)
    expect(page.locator("#saved")).to_contain_text("no connection")
    page.context.set_offline(False)
    mark(page, 7)
    wait_saved(page)
    assert marked(page) == [1, 2, 3, 4, 5, 6, 7]
    expect(page.locator("#notice")).to_be_hidden()
    draft = Assignment.objects.get().draft
    assert (draft["marked"], draft["description"]) == ([1, 2, 3, 4, 5, 6, 7], "wheels of cars")


def test_a_draft_that_arrived_unanswered_is_known_as_ones_own(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    wait_saved(page)
    page.fill("#description", "wheels ")
    mark(page, 1)
    page.evaluate(HIDE, True)  # delivered, and nobody reads the answer
    page.evaluate(HIDE, False)
    page.fill("#description", "wheels of cars")
    mark(page, 2)
    expect(page.locator("#saved")).to_have_text("Saved")
    page.wait_for_timeout(1000)
    expect(page.locator("#notice")).to_be_hidden()
    assert Assignment.objects.get().draft["description"] == "wheels of cars"
    assert Assignment.objects.get().draft["marked"] == [1, 2]


def test_a_page_that_dies_in_a_gap_of_the_network_loses_nothing(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    wait_saved(page)
    page.context.set_offline(True)
    mark(page, 4, 9)
    page.fill("#description", "wheels of cars")
    expect(page.locator("#saved")).to_contain_text("no connection")
    page.close()
    page_2 = page.context.new_page()
    page_2.context.set_offline(False)
    page_2.goto(address)
    page_2.wait_for_selector("body[data-ready]")
    assert marked(page_2) == [4, 9]
    expect(page_2.locator("#description")).to_have_value("wheels of cars")
    # "Saved" is not said if the beacon of the page that died has arrived: then there is nothing to save.
    for _ in range(600):
        if Assignment.objects.get().draft["marked"] == [4, 9]:
            break
        page_2.wait_for_timeout(100)
    assert Assignment.objects.get().draft["marked"] == [4, 9]


def test_two_places_that_disagree_show_both_answers_and_keep_the_newer(address: str, start_page: Open) -> None:
    first = start_page(address)
    first.fill("#description", "wheel")
    wait_saved(first)
    first.context.set_offline(True)
    first.fill("#description", "wheel of a car")
    expect(first.locator("#saved")).to_contain_text("no connection")
    second = start_page(address)  # another browser
    second.fill("#description", "round thing")
    wait_saved(second)
    first.context.set_offline(False)
    expect(first.locator("#notice")).to_contain_text("round thing")
    expect(first.locator("#notice")).to_contain_text("wheel of a car")
    expect(first.locator("#description")).to_have_value("round thing")  # it is the newer one
    first.locator("#notice .conflict button").click()
    expect(first.locator("#description")).to_have_value("wheel of a car")
    wait_saved(first)
    assert Assignment.objects.get().draft["description"] == "wheel of a car"


def test_an_expired_token_is_told_and_reloading_brings_the_work_back(
    address: str, start_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    mark(page, 9)
    wait_saved(page)
    with monkeypatch.context() as patch:
        patch.setattr("annotator.crowd.page.tokens.MAX_SECONDS", -1)
        mark(page, 10)
        expect(page.locator("#notice")).to_contain_text("reload it, your work is kept")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert marked(page) == [9, 10]  # the one that no server took was kept in the browser
