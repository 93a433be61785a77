"""What makes the page of unit_semantics comfortable: one thing scrolls, crops are large, an answer can be corrected."""

import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, Route, expect

from annotator.crowd.campaigns import collecting
from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.crowd.page import answering, describing
from annotator.sandbox.acts import accounts
from annotator.sandbox.models import Assignment as SandboxAssignment
from tests.annotator.crowd.fixtures import Market, Visitor
from tests.hit_templates.acting import Held, answer_it, mark, marked, wait_saved
from tests.hit_templates.conftest import Open, page_address

pytestmark = [pytest.mark.django_db(transaction=True)]
PHONE = {"width": 360, "height": 740}


def open_on_the_site(page: Page, market: Market, hit: HIT, *, site: str) -> FrameLocator:
    """The HIT as the marketplace's own page shows it to somebody who accepts it there."""
    _, key = accounts.sign_up(name="cyd", country="US", invitation=None, now=market.clock())
    page.goto(f"{site}/worker/sign-in")
    page.fill("#key", key)
    page.get_by_role("button", name="Sign in").click()
    hit.refresh_from_db()
    page.goto(f"{site}/worker/hits/{hit.external_id}/")
    page.click("#accept")
    return page.frame_locator("#hit-frame")


@pytest.mark.browser
def test_on_a_phone_one_thing_scrolls_the_bar_is_whole_and_crops_are_large(
    campaign: Campaign, market: Market, hit: HIT, open_page: Open, settings: Any
) -> None:
    page = open_page("about:blank")
    page.set_viewport_size(PHONE)
    framed = open_on_the_site(page, market, hit, site=settings.SANDBOX_URL)
    framed.locator("#agree").click()
    framed.locator("body[data-ready]").wait_for()
    inner = page.frames[1]
    inner.wait_for_function("document.documentElement.scrollHeight <= innerHeight + 1")
    assert inner.evaluate("document.documentElement.scrollWidth") <= 360
    assert inner.evaluate("document.querySelector('.crop').offsetWidth") >= 110
    page.mouse.move(180, 500)
    page.mouse.wheel(0, 1200)
    # However far one has scrolled, the words and the whole bar are in view.
    for part in ("#submit", "#description"):
        expect(framed.locator(part)).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 640, "height": 400})  # 200 % zoom of a small desk
    framed.locator("#submit").scroll_into_view_if_needed()
    expect(framed.locator("#submit")).to_be_in_viewport(ratio=1)
    expect(framed.locator("#description")).not_to_be_in_viewport()


@pytest.mark.browser
def test_instructions_fold_after_the_first_hit(
    address: str, start_page: Open, campaign: Campaign, market: Market, live_server: Any
) -> None:
    page = start_page(address)
    expect(page.locator("#guide")).to_have_attribute("open", "")
    answer_it(page)
    page.wait_for_url(re.compile("externalSubmit"))
    second = market.accept(campaign.hits.order_by("id").last(), "ada")
    page.goto(page_address(live_server, second))
    page.wait_for_selector("body[data-ready]")
    assert page.locator("#guide").get_attribute("open") is None


@pytest.mark.browser
def test_press_and_hold_or_a_key_enlarges_and_marks_nothing(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    page.locator(".crop").nth(2).hover()
    page.mouse.down()
    expect(page.locator("#enlarged")).to_be_visible()
    assert page.evaluate("document.getElementById('enlarged').offsetWidth") >= 300
    page.mouse.up()
    expect(page.locator("#enlarged")).to_be_hidden()
    assert marked(page) == []
    page.locator(".crop").nth(2).focus()
    page.keyboard.press("z")
    expect(page.locator("#enlarged")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#enlarged")).to_be_hidden()
    page.keyboard.press("Space")
    assert marked(page) == [2]


@pytest.mark.browser
def test_where_little_fits_one_marks_what_fits(address: str, start_page: Open) -> None:
    page = start_page(address)
    page.fill("#description", "wheel")
    mark(page, 5)
    page.click("#all")
    expect(page.locator("#count")).to_have_text("60 of 60 marked")
    page.click("#all")  # back to what was marked before
    assert marked(page) == [5]
    page.click("#all")
    page.keyboard.press("Tab")
    page.click("input[value=object]")
    page.click("#submit")
    expect(page.locator("#marked-error")).to_contain_text("Every crop is crossed out")
    mark(page, 5, 7)
    wait_saved(page)
    assert set(range(60)) - set(Assignment.objects.get().draft["marked"]) == {5, 7}


def _refuse_draft(page: Page, draft: Route) -> None:
    with page.expect_response("**/draft") as refused:
        draft.continue_()
    assert refused.value.status == 409
    page.wait_for_timeout(200)


@pytest.mark.browser
@pytest.mark.parametrize("is_draft_first", [True, False])
def test_an_answer_can_be_corrected_until_it_is_handed_over(
    is_draft_first: bool, address: str, start_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describing, "SECONDS_TO_CORRECT", 600)
    page = start_page(address)
    drafts = Held(page, "**/draft")
    page.fill("#description", "a")
    draft = drafts.take()
    if is_draft_first:  # that the answer is stored is said by the refusal of the draft, and then by its own response
        submissions = Held(page, "**/submit", times=1)
        answer_it(page)
        storing = submissions.take()
        stored = storing.fetch()
        _refuse_draft(page, draft)
        storing.fulfill(response=stored)
    else:
        answer_it(page)
    page.click("#correct")
    assert Assignment.objects.get().state == "stored"  # whatever happens now
    page.fill("#description", "wheel of a car")
    if not is_draft_first:  # it takes nobody back to the stored answer
        _refuse_draft(page, draft)
    mark(page, 4)
    page.click("#submit")
    expect(page.locator("#send-now")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("externalSubmit"))
    row = Assignment.objects.get()
    assert row.raw_answer is not None
    assert (row.answers.get().description, row.raw_answer["marked"]) == ("wheel of a car", [4])
    assert SandboxAssignment.objects.get().state == "Submitted"


@pytest.mark.browser
def test_a_page_that_dies_during_a_correction_says_so_and_sends_nothing_by_itself(
    address: str, start_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describing, "SECONDS_TO_CORRECT", 600)
    page = start_page(address)
    answer_it(page)
    page.click("#correct")
    page.fill("#description", "quite another word")
    page.wait_for_function("() => Object.values(localStorage).some((kept) => kept.includes('quite another word'))")
    page.reload()
    expect(page.locator("#handing-over")).to_contain_text("A change of your answer was not submitted.")
    page.click("#send-now")
    page.wait_for_url(re.compile("externalSubmit"))
    assert Assignment.objects.get().answers.get().description != "quite another word"


def test_a_correction_is_of_the_page_that_stored_the_answer_and_ends_with_the_hand_over(
    campaign: Campaign, market: Market, hit: HIT
) -> None:
    visitor: Visitor = market.accept(hit, "ada")
    token = visitor.start()["work_token"]
    stored = visitor.submit(token).json()
    assert stored["work_token"] == token
    other = "6f9619ff-8b86-4d01-b42d-00cf4fc96400"
    visitor.submit(token, description="of another page", corrects=True, client_id=other)
    visitor.submit(token, description="a repeat")
    assert Assignment.objects.get().answers.get().description == "lamp"
    assert visitor.submit(token, description="", corrects=True).status_code == 422
    visitor.submit(token, description="lamp shade", corrects=True)
    assert Assignment.objects.get().answers.get().description == "lamp shade"
    Campaign.objects.update(policy=Campaign.Policy.MUST_FIND)
    assert visitor.submit(token, description="in haste", marked=[], corrects=True).status_code == 422
    Campaign.objects.update(policy=campaign.policy)
    stored_at = Assignment.objects.get().stored_at
    assert stored_at is not None
    Assignment.objects.update(stored_at=stored_at - answering.CORRECTABLE)
    assert "work_token" not in visitor.submit(token, description="an hour later", corrects=True).json()
    assert Assignment.objects.get().answers.get().description == "lamp shade"
    Assignment.objects.update(stored_at=stored_at)
    visitor.hand_over(visitor.submit(token).json())
    collecting.collect_campaign(market.open_session(campaign))
    late = visitor.submit(token, description="too late", corrects=True).json()
    assert "work_token" not in late
    assert Assignment.objects.get().answers.get().description == "lamp shade"
