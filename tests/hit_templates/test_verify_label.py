"""The second HIT type: one phrase, 15 crops, yes or no; and with it the claim that a HIT type is one folder."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotator.crowd.campaigns import collecting
from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.phrases import BadPhrases, as_words, find_automatic_phrases, read_phrases
from annotator.crowd.campaigns.unit_choice import ChosenUnit, list_units
from annotator.crowd.hit_types.table import TABLE
from annotator.crowd.hit_types.templates import TEMPLATES, load_template
from annotator.crowd.judging.verdicts import count_verdicts
from annotator.crowd.models import Answer, Campaign
from annotator.sandbox.models import Assignment as SandboxAssignment
from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_campaign
from tests.hit_templates.acting import Held, check
from tests.hit_templates.conftest import page_address

pytestmark = [pytest.mark.django_db(transaction=True)]


def choices(dissection: Dissection) -> list[ChosenUnit]:
    return [ChosenUnit(unit, "named") for unit in list_units([dissection])]


@pytest.fixture
def campaign(market: Any, dissection: Dissection, live_server: Any, settings: Any) -> Campaign:
    settings.HIT_PAGES_URL = live_server.url
    phrases = find_automatic_phrases(choices(dissection))
    campaign = make_campaign(dissection, template="verify_label", phrases=phrases)
    market.publish(campaign)
    return campaign


@pytest.mark.browser
def test_a_whole_hit_by_keyboard_asks_before_it_sends(
    campaign: Campaign, market: Any, open_page: Callable[..., Page], live_server: Any
) -> None:
    hit = campaign.hits.order_by("id").first()
    page = open_page(page_address(live_server, market.accept(hit, "ada")))
    check(page)
    page.click("#agree")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#question")).to_contain_text("gadget 0")
    assert page.locator(".crop").count() == 15
    check(page)
    page.keyboard.press("y")
    expect(page.locator("#confirm")).to_contain_text("You chose: Yes")
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_hidden()
    page.keyboard.press("n")
    expect(page.locator("#confirm")).to_contain_text("You chose: No")
    check(page)
    assert Answer.objects.get().says is None
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("externalSubmit"))
    row = Answer.objects.get()
    assert (row.metrics, row.assignment.state, len(row.shown_ranks), row.planted_ranks) == (
        {"fits": 0},
        "stored",
        15,
        [],
    )
    assert SandboxAssignment.objects.get().state == "Submitted"


@pytest.mark.browser
@pytest.mark.parametrize("size", [(360, 640), (1440, 900)])
def test_one_tap_can_be_undone_and_everything_is_in_view(
    campaign: Campaign, market: Any, open_page: Callable[..., Page], live_server: Any, size: tuple[int, int]
) -> None:
    page = open_page(page_address(live_server, market.accept(campaign.hits.earliest("id"), "ada")))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.click("#agree")
    page.wait_for_selector("body[data-ready]")
    for choice in page.locator(".choice").all():
        expect(choice).to_be_in_viewport(ratio=1)
    page.click("[data-verdict=yes]")
    expect(page.locator("#send")).to_be_in_viewport(ratio=1)
    page.click("#undo")
    expect(page.locator("[data-verdict=yes]")).to_have_attribute("aria-pressed", "false")
    page.click("[data-verdict=no]")
    expect(page.locator("#saved")).to_have_text("Saved")
    page.reload()
    expect(page.locator("#confirm")).to_contain_text("You chose: No")
    assert Answer.objects.get().says is None
    page.click("#send")
    page.wait_for_url(re.compile("externalSubmit"))
    assert Answer.objects.get().metrics == {"fits": 0}


@pytest.mark.browser
def test_what_is_pressed_before_the_server_answers_is_sent_when_it_has(
    campaign: Campaign, market: Any, open_page: Callable[..., Page], live_server: Any
) -> None:
    page = open_page(page_address(live_server, market.accept(campaign.hits.earliest("id"), "ada")))
    held = Held(page, "**/start")
    page.click("#agree")
    page.click("[data-verdict=no]")
    page.click("#send")
    expect(page.locator("#notice")).to_have_text(
        "The page is still starting. Your answer is sent as soon as it is ready."
    )
    assert not Answer.objects.exists()
    held.take().continue_()
    page.wait_for_url(re.compile("externalSubmit"))
    assert Answer.objects.get().metrics == {"fits": 0}


def test_verdicts_are_collected_and_counted(campaign: Campaign, market: Any) -> None:
    example = json.loads((Path(TEMPLATES) / "verify_label" / "example.json").read_text())
    first = campaign.hits.order_by("id").first()
    for name, verdict in (("ada", "yes"), ("bob", "yes"), ("cyd", "no")):
        market.work(first, name, **(example | {"verdict": verdict}))
    collected = collecting.collect_campaign(market.open_session(campaign))
    assert (collected.n_new, collected.n_unreadable) == (3, 0)
    counted = count_verdicts(campaign)
    assert [(row.n_yes, row.n_answers, row.fits) for row in counted] == [(2, 3, True)] + [(0, 0, None)] * 3


def test_an_answer_that_is_neither_yes_nor_no_is_refused(campaign: Campaign, market: Any) -> None:
    visitor = market.accept(campaign.hits.order_by("id").first(), "ada")
    refused = visitor.submit(visitor.start()["work_token"], verdict="maybe")
    assert (refused.status_code, refused.json()["field"]) == (422, "verdict")


def test_every_unit_needs_a_phrase(dissection: Dissection) -> None:
    with pytest.raises(CannotCompose, match="Without a phrase to ask about"):
        make_campaign(dissection, template="verify_label")


def test_phrases_come_from_a_file(dissection: Dissection, tmp_path: Path) -> None:
    file = tmp_path / "phrases.csv"
    file.write_text("layer,unit,phrase\nfeatures.3,0,red  car\nfeatures.3,3,not chosen\nclassifier,5,another layer\n")
    assert list(read_phrases(file, choices(dissection)[:1]).values()) == ["red car"]
    for text, word in [
        ("layer,unit\nfeatures.3,0\n", "phrase"),
        ("layer,unit,phrase\nfeatures.3,first,car\n", "line 2"),
        ("layer,unit,phrase\nfeatures.3,0,\n", "line 2"),
        ("layer,unit,phrase\nfeatures.3,99,car\n", "line 2, column unit.*no unit 99"),
        ("layer,unit,phrase\nfeature.3,0,car\n", "line 2, column layer: 'feature.3', and no row is about features.3"),
    ]:
        file.write_text(text)
        with pytest.raises(BadPhrases, match=word):
            read_phrases(file, choices(dissection))
    with pytest.raises(BadPhrases, match="cannot be read"):
        read_phrases(tmp_path / "absent.csv", choices(dissection))


def test_brodens_labels_become_words() -> None:
    assert [as_words(label) for label in ("blue-c", "highway-s", "pool table", "polka-dotted")] == [
        "blue",
        "highway",
        "pool table",
        "polka dotted",
    ]


def test_a_hit_type_is_one_folder() -> None:
    """Every folder loads, and has the parts that the README of hit_templates names."""
    folders = sorted(path.parent.name for path in Path(TEMPLATES).glob("*/hit_type.toml"))
    assert folders == sorted(TABLE)
    for name in folders:
        assert load_template(name).n_top > 0 or load_template(name).photographs
        assert json.loads((Path(TEMPLATES) / name / "example.json").read_text())
