"""Stories of people on the page of unit_semantics, in Chromium, handing over to the real sandbox."""

import functools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.sandbox.models import Assignment as SandboxAssignment
from tests.hit_templates.conftest import page_address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
Open = Callable[..., Page]


def mark(page: Page, *positions: int) -> None:
    for position in positions:
        page.locator(".crop").nth(position).click()


def wait_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("Saved", timeout=60_000)


def marked(page: Page) -> list[int]:
    pressed = page.locator(".crop").evaluate_all("crops => crops.map(c => c.getAttribute('aria-pressed') === 'true')")
    return [position for position, is_pressed in enumerate(pressed) if is_pressed]


def test_a_whole_hit_by_keyboard_alone(address: str, open_page: Open) -> None:
    page = open_page(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # I agree, start
    page.wait_for_selector("body[data-ready]")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "description":
            break
    page.keyboard.type("striped wall")
    for _ in range(3):  # past what is about pasting, and about marking all
        page.keyboard.press("Tab")
    for key in ["ArrowRight", "ArrowDown", "Space", "End", "Space", "Home", "Space", "4"]:
        page.keyboard.press(key)
    assert marked(page) == [0, 11, 59]
    expect(page.locator("#count")).to_have_text("3 of 60 marked")
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "submit":
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("externalSubmit"))
    row = Assignment.objects.get()
    answer = row.answers.get()
    assert (answer.description, answer.category, row.state) == ("striped wall", "object part", "stored")
    assert row.raw_answer is not None
    assert row.raw_answer["marked"] == [0, 11, 59]
    assert SandboxAssignment.objects.get().state == "Submitted"


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


def test_what_is_typed_before_the_server_answers_is_kept_and_saved(address: str, open_page: Open) -> None:
    page = open_page(address)
    held: list[Route] = []
    page.route("**/start", lambda route: held.append(route))
    page.click("#agree")
    page.locator("#description").press_sequentially("wheels")
    page.locator(".crop").nth(3).click()
    held[0].continue_()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#description")).to_have_value("wheels")
    expect(page.locator(".crop").nth(3)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#saved")).to_have_text("Saved")


def test_a_page_that_the_server_refuses_says_so_lastingly(address: str, start_page: Open) -> None:
    page = start_page(address)
    sentence = "This page was open for too long: reload it, your work is kept."
    refuse = {"status": 410, "content_type": "application/json", "body": json.dumps({"error": sentence})}
    page.route("**/draft", lambda route: route.fulfill(**refuse))
    page.fill("#description", "lamp")
    expect(page.locator("#notice")).to_have_text(sentence)
    expect(page.locator("#saved")).to_have_text("Nothing more is saved from this page.")
    page.fill("#description", "lamp shade")
    page.evaluate("document.getElementById('notice').hidden = true")
    page.click("#submit")
    expect(page.locator("#notice")).to_be_visible()
    expect(page.locator("#submit")).to_be_enabled()
    page.unroute("**/draft")
    page.reload()
    expect(page.locator("#description")).to_have_value("lamp shade")


def test_an_answer_that_is_sent_before_the_start_is_sent_after_it(address: str, open_page: Open) -> None:
    page = open_page(address)
    held: list[Route] = []
    page.route("**/start", lambda route: held.append(route))
    page.click("#agree")
    answer_it(page)
    expect(page.locator("#notice")).to_contain_text("The page is still starting.")
    held[-1].continue_()
    page.wait_for_url(re.compile("externalSubmit"))
    assert Assignment.objects.get().state == "stored"


def test_a_start_that_is_never_answered_is_asked_again(address: str, open_page: Open) -> None:
    page = open_page(address)
    page.clock.install()
    n_asked: list[Route] = []

    def answer_the_second(route: Route) -> None:
        n_asked.append(route)
        if len(n_asked) > 1:
            route.continue_()

    page.route("**/start", answer_the_second)
    page.click("#agree")
    page.clock.run_for(21_000)
    expect(page.locator("#saved")).to_contain_text("Trying again")
    page.clock.run_for(4_000)
    page.wait_for_selector("body[data-ready]")


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


def answer_it(page: Page) -> None:
    page.fill("#description", "wheel")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("6")
    page.click("#submit")


def test_a_hand_over_that_fails_is_told_and_is_sent_when_the_hit_is_opened_again(
    address: str, start_page: Open, open_page: Open
) -> None:
    page = start_page(address)
    page.route("**/mturk/externalSubmit", lambda route: route.abort())
    answer_it(page)
    expect(page.locator("#handing-over")).to_contain_text("Your work is stored here and will be paid")
    expect(page.locator("#hand-over-again")).to_be_visible()
    assert Assignment.objects.get().state == "stored"
    again = open_page(address)
    again.wait_for_url(re.compile("externalSubmit"))
    assert SandboxAssignment.objects.get().state == "Submitted"


def test_no_pay_is_promised_to_a_visit_that_the_marketplace_has_not_confirmed(
    campaign: Campaign, market: Any, hit: HIT, live_server: Any, start_page: Open
) -> None:
    page = start_page(page_address(live_server, replace(market.accept(hit, "ada"), is_signed=False)))
    page.route("**/mturk/externalSubmit", lambda route: route.abort())
    answer_it(page)
    said = page.locator("#handing-over")
    expect(said).to_contain_text("can be paid only after the marketplace has taken it")
    expect(page.locator("#hand-over-again")).to_be_visible()
    expect(said).not_to_contain_text("will be paid")
    expect(said).not_to_contain_text("send the receipt")


def test_what_blocks_requests_by_scripts_to_other_hosts_does_not_stop_the_submission(
    address: str, start_page: Open
) -> None:
    page = start_page(address)
    page.route(
        "**/mturk/externalSubmit",
        lambda route: route.abort() if route.request.resource_type in ("fetch", "xhr") else route.continue_(),
    )
    answer_it(page)
    page.wait_for_url(re.compile("externalSubmit"))
    assert SandboxAssignment.objects.get().state == "Submitted"


def test_a_request_that_is_never_answered_does_not_stop_the_submission(address: str, start_page: Open) -> None:
    page = start_page(address)
    held: list[Route] = []
    page.route(
        "**/mturk/externalSubmit",
        lambda route: held.append(route) if route.request.resource_type in ("fetch", "xhr") else route.continue_(),
    )
    answer_it(page)
    page.wait_for_url(re.compile("externalSubmit"))
    assert SandboxAssignment.objects.get().state == "Submitted"


def test_an_answer_that_is_said_to_be_stored_twice_is_handed_over_once(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.clock.install()
    storing: list[Route] = []
    asked: list[str] = []
    page.route("**/submit", lambda route: storing.append(route))

    def leave_the_page(route: Route) -> None:
        asked.append(route.request.method)
        route.abort() if asked[-1] == "HEAD" else route.fulfill(status=204)

    page.route("**/mturk/externalSubmit", leave_the_page)
    with page.expect_request("**/submit"):
        answer_it(page)
    stored = storing[0].fetch()
    with page.expect_response("**/draft"):
        page.fill("#description", "wheels")  # this draft is refused, before the page learns that its answer is stored
    with page.expect_request("**/mturk/externalSubmit"):
        storing[0].fulfill(response=stored)
    with page.expect_request(lambda request: request.method == "POST" and "externalSubmit" in request.url):
        page.locator("#hand-over-again").dispatch_event("click")  # a click would wait for a page that never comes
    page.clock.fast_forward(9_000)  # what would be sent by itself is sent now
    expect(page.locator("#handing-over")).to_contain_text("has not accepted it yet")
    assert asked == ["HEAD", "POST"]


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
    wait_saved(page_2)
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


def test_what_is_missing_is_said_and_pasting_is_off_until_asked_for(address: str, start_page: Open) -> None:
    page = start_page(address)
    paste = """field => field.dispatchEvent(new ClipboardEvent("paste", {cancelable: true, bubbles: true}))"""
    assert page.locator("#description").evaluate(paste) is False  # cancelled
    expect(page.locator("#description-error")).to_contain_text("type your own words")
    page.click("#allow-paste")
    assert page.locator("#description").evaluate(paste) is True
    mark(page, 0)
    expect(page.locator("#description-error")).to_contain_text("First describe")
    assert marked(page) == []
    page.click("#submit")
    expect(page.locator("#description-error")).to_contain_text("Please describe")
    page.fill("#description", "wheel")
    page.click("#submit")
    expect(page.locator("#category-error")).to_contain_text("six categories")
    assert Assignment.objects.get().state == "started"


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


def test_a_forged_and_a_foreign_token_start_nothing_and_say_what_to_do(
    address: str, campaign: Campaign, market: Any, open_page: Open, live_server: Any
) -> None:
    elsewhere = campaign.hits.order_by("id").last()
    foreign = market.accept(elsewhere, "ada").config()["token"]
    for token, words in (("forged", "was not made here"), (foreign, "belongs to another HIT")):
        page = open_page("about:blank")
        body = json.dumps({"token": token, "consent": True})
        page.route("**/start", functools.partial(Route.continue_, post_data=body))
        page.goto(address)
        page.click("#agree")
        expect(page.locator("#notice")).to_contain_text(words)
        expect(page.locator("#notice")).to_contain_text("open the HIT again from the marketplace")
        expect(page.locator("#work")).to_be_hidden()
    assert not Assignment.objects.exists()


def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(
    address: str, hit: HIT, open_page: Open, live_server: Any, market: Any
) -> None:
    page = open_page(f"{address.split('?')[0]}?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE")
    page.wait_for_selector("body[data-ready]")
    check(page)
    page.goto(address)
    check(page)
    page.click("#agree")
    page.wait_for_selector("body[data-ready]")
    page.click("#submit")
    expect(page.locator("#description-error")).to_be_visible()
    page.fill("#description", "wheel")
    mark(page, 3)
    check(page)
    page.route("**/mturk/externalSubmit", lambda route: route.abort())
    page.check("input[value=scene]")
    page.click("#submit")
    expect(page.locator("#hand-over-again")).to_be_visible()
    check(page)
    page.goto(page_address(live_server, market.accept(hit, "bob"), turkSubmitTo="https://evil.example"))
    check(page)


def check(page: Page) -> None:
    """On a phone, at 200 % zoom of a small desk, and on a wide one. axe is run past the page's policy on scripts."""
    for width in (640, 360, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width != 640:
            found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            serious = [one for one in found if one["impact"] in ("serious", "critical")]
            assert not serious, (width, [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious])


def test_the_page_is_light_and_does_not_jump(address: str, open_page: Open) -> None:
    page = open_page("about:blank")
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: int(response.headers.get("content-length", 0))}))
    page.goto(address)
    page.click("#agree")
    page.wait_for_selector("body[data-ready]")
    page.wait_for_load_state("networkidle")
    shift = page.evaluate(
        """() => new Promise(resolve => {
            let sum = 0;
            new PerformanceObserver(list => list.getEntries().forEach(e => { if (!e.hadRecentInput) sum += e.value; }))
                .observe({type: "layout-shift", buffered: true});
            setTimeout(() => resolve(sum), 300);
        })"""
    )
    pictures = [url for url in sizes if url.endswith(".jpg")]
    assert len(pictures) == 3
    assert sum(sizes.values()) < 1_000_000
    assert shift < 0.02


def test_the_example_answer_is_one_that_the_server_takes(campaign: Any, market: Any, hit: HIT) -> None:
    from pathlib import Path

    from annotator.crowd.hit_types.templates import TEMPLATES

    example = json.loads((Path(TEMPLATES) / "unit_semantics" / "example.json").read_text())
    visitor = market.accept(hit, "ada")
    assert visitor.submit(visitor.start()["work_token"], **example).json()["state"] == "stored"
