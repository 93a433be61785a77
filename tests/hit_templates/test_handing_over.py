"""An answer on its way from the page to the marketplace: what is told, and what is sent how often."""

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.sandbox.models import Assignment as SandboxAssignment
from tests.hit_templates.acting import Held, answer_it
from tests.hit_templates.conftest import Open, page_address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


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
    held = Held(page, "**/submit")
    asked: list[str] = []

    def leave_the_page(route: Route) -> None:
        asked.append(route.request.method)
        route.abort() if asked[-1] == "HEAD" else route.fulfill(status=204)

    page.route("**/mturk/externalSubmit", leave_the_page)
    answer_it(page)
    storing = held.take()
    stored = storing.fetch()
    with page.expect_response("**/draft"):
        page.fill("#description", "wheels")  # this draft is refused, before the page learns that its answer is stored
    with page.expect_request("**/mturk/externalSubmit"):
        storing.fulfill(response=stored)
    with page.expect_request(lambda request: request.method == "POST" and "externalSubmit" in request.url):
        page.locator("#hand-over-again").dispatch_event("click")  # a click would wait for a page that never comes
    page.clock.fast_forward(9_000)  # what would be sent by itself is sent now
    expect(page.locator("#handing-over")).to_contain_text("has not accepted it yet")
    assert asked == ["HEAD", "POST"]
