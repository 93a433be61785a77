"""Stories of people on the pages that show whole photographs: by keyboard, on a phone and at a desk, in Chromium."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from annotator.crowd.campaigns.questions import AskedImage, Question
from annotator.crowd.models import HIT, Answer, Campaign
from annotator.units.models import Dissection, Image
from tests.annotator.crowd.fixtures import Market
from tests.annotator.crowd.making import draw_photographs, make_questions_campaign
from tests.hit_templates.acting import check, wait_saved
from tests.hit_templates.conftest import Open, page_address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def shown(dissection: Dissection, live_server: Any, settings: Any, tmp_path: Path) -> Dissection:
    settings.HIT_PAGES_URL = live_server.url
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    draw_photographs(dissection)
    return dissection


def ask(market: Market, template: str, *, texts: tuple[str, ...], n: int, **facts: Any) -> HIT:
    images = Image.objects.select_related("image_set").order_by("index")[:n]
    unit = Dissection.objects.get().dissected_units.select_related("unit__layer__network").earliest("pk").unit
    question = Question(unit, tuple(AskedImage(image) for image in images), texts=texts, facts=facts)
    campaign = make_questions_campaign([question], template=template)
    market.publish(campaign)
    return campaign.hits.get()


def begin(page: Page) -> Page:
    check(page)
    page.click("#agree")
    page.wait_for_selector("body[data-ready]")
    check(page)
    return page


def test_photographs_are_rated_by_keyboard_and_what_was_answered_survives_a_reload(
    shown: Dissection, market: Market, open_page: Open, live_server: Any
) -> None:
    hit = ask(market, "rate_description", texts=("<b>red</b> car",), n=15)
    page = begin(open_page(page_address(live_server, market.accept(hit, "ada"))))
    expect(page.locator("#question")).to_contain_text("<b>red</b> car")
    assert page.locator(".crop").count() == 15
    for key in "ynyn":
        page.keyboard.press(key)
    expect(page.locator("#count")).to_have_text("4 of 15 answered")
    wait_saved(page)
    page.reload()
    expect(page.locator("#count")).to_have_text("4 of 15 answered")
    page.click("#submit")
    expect(page.locator("#answers-error")).to_have_text("Please answer yes or no for every photograph: 11 to go.")
    assert page.evaluate("document.activeElement.name") == "photograph-5"
    check(page)
    for _ in range(11):
        page.keyboard.press("n")
    assert page.evaluate("document.activeElement.id") == "submit"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("externalSubmit"))
    row = Answer.objects.get()
    assert (len(row.says["yes"]), len(row.says["no"]), row.metrics) == (2, 13, {"share_yes": 2 / 15})
    assert row.says["yes"] == sorted([row.shown_ranks[0], row.shown_ranks[2]])


def test_one_of_two_photographs_is_chosen(shown: Dissection, market: Market, open_page: Open, live_server: Any) -> None:
    asked = {"template": "two_choice", "random": 0, "units": ["features.3:0-3"], "yes": True}
    call_command("launch", "study", dissection=[str(shown.pk)], **asked)
    campaign = Campaign.objects.get()
    page = begin(open_page(page_address(live_server, market.accept(campaign.hits.earliest("id"), "ada"))))
    assert page.locator(".crop").count() == 20
    page.click("#submit")
    expect(page.locator("#chosen-error")).to_have_text("Please choose one of the two photographs.")
    page.keyboard.press("b")
    page.keyboard.press("2")
    wait_saved(page)
    page.click("#submit")
    page.wait_for_url(re.compile("externalSubmit"))
    row = Answer.objects.get()
    # Numbers 18 and 19 are the two; 18 is the one that activates.
    assert row.says == {"chosen": row.shown_ranks[19], "confidence": 2, "is_catch": False}
    assert row.metrics == {"confidence": 2.0, "right": float(row.says["chosen"] == 18)}
    assert sorted(row.shown_ranks[:9]) == list(range(9))


def test_descriptions_are_compared_or_graded_in_an_order_of_each_persons_own(
    shown: Dissection, market: Market, open_page: Open, live_server: Any
) -> None:
    texts = ("wheel", "shiny things", "a street at night")
    hit = ask(market, "best_of", texts=texts, n=10)
    page = begin(open_page(page_address(live_server, market.accept(hit, "ada"))))
    page.click("#submit")
    expect(page.locator("#judged-error")).to_have_text("Please choose the description that fits best.")
    page.keyboard.press("2")
    wait_saved(page)
    chosen = page.locator(".said:has(:checked) span").inner_text()
    page.click("#submit")
    page.wait_for_url(re.compile("externalSubmit"))
    assert Answer.objects.get().says == {"best": texts.index(chosen), "text": chosen}
    Campaign.objects.update(name="first")
    graded = ask(market, "best_of", texts=texts, n=10, is_graded=True)
    page = begin(open_page(page_address(live_server, market.accept(graded, "bob"))))
    order = page.locator(".graded legend").all_inner_texts()
    page.locator(".graded input").first.focus()
    page.keyboard.press("4")
    page.click("#submit")
    expect(page.locator("#judged-error")).to_have_text("Please grade every description: 2 to go.")
    for at in (1, 2):
        page.locator(".graded").nth(at).locator("input").first.focus()
        page.keyboard.press(str(at))
    page.click("#submit")
    page.wait_for_url(re.compile("externalSubmit"))
    grades = Answer.objects.latest("pk").says["grades"]
    assert dict(zip(texts, grades, strict=True)) == dict(zip(order, [4, 1, 2], strict=True))
