"""Stories of people on the page of unit_semantics, in Chromium, handing over to the real sandbox."""

import functools
import json
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.sandbox.models import Assignment as SandboxAssignment
from tests.hit_templates.acting import Held, answer_it, check, mark, marked
from tests.hit_templates.conftest import Open, page_address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


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


def test_what_is_typed_before_the_server_answers_is_kept_and_saved(address: str, open_page: Open) -> None:
    page = open_page(address)
    held = Held(page, "**/start")
    page.click("#agree")
    page.locator("#description").press_sequentially("wheels")
    page.locator(".crop").nth(3).click()
    held.take().continue_()
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
    held = Held(page, "**/start")
    page.click("#agree")
    answer_it(page)
    expect(page.locator("#notice")).to_contain_text("The page is still starting.")
    held.take().continue_()
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


def test_the_page_is_light_and_does_not_jump(address: str, open_page: Open) -> None:
    page = open_page("about:blank")
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: int(response.headers.get("content-length", 0))}))
    page.goto(address)
    page.click("#agree")
    page.wait_for_function("() => performance.getEntries().filter((one) => one.name.endsWith('.jpg')).length >= 3")
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
