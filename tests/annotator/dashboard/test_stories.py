"""A researcher and a reviewer at work in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from annotator.accounts.models import AuditEntry
from annotator.crowd.models import Answer, Campaign
from annotator.labels.models import UnitLabel
from annotator.labels.recording import label_campaign
from annotator.units import gpu_queue
from annotator.units.models import Dissection, GPUTask
from annotator.work import tasks
from tests.annotator.crowd.fixtures import market
from tests.annotator.crowd.making import NOW, make_dissection
from tests.annotator.dashboard.addresses import OUTER_PAGES, Shown
from tests.annotator.dashboard.conftest import Open
from tests.annotator.dashboard.looks import told_at
from tests.annotator.dashboard.making import World, make_world

__all__ = ["market"]
pytestmark = pytest.mark.browser
# Each page is looked at twice: what depends on the width and what depends on the colors is each met once. The second
# time, axe looks only for what these can change.
ON_NARROW = ("color-contrast", "scrollable-region-focusable", "link-name", "button-name", "label", "aria-hidden-focus")
LOOKS: list[tuple[int, Any, tuple[str, ...]]] = [(1440, "light", ()), (360, "dark", ON_NARROW)]
MAX_PX = 6000
ADMIN_PAGES = ["/admin/", "/admin/crowd/assignment/"]


def titles(page: Page) -> list[str]:
    return page.locator(".us-unit .us-where").all_inner_texts()


def test_a_unit_is_found_by_its_concept_in_three_actions_and_its_view_can_be_sent(
    small_world: World, open_page: Open
) -> None:
    page = open_page("/")
    page.locator("#nav-sidebar").get_by_text("Units", exact=True).click()
    page.locator("#id_concept").press_sequentially("brick")
    expect(page.locator(".us-unit")).to_have_count(1)
    sent = page.url
    assert "concept=brick" in sent
    page.get_by_role("link", name="brick wall").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 3 of features.3")
    expect(page.locator(".us-headline").first).to_have_text("brick wall")
    second = open_page(re.sub(r"^https?://[^/]+", "", sent))
    assert titles(second) == ["features.3 · unit 3 · net"]
    assert second.locator("#id_concept").input_value() == "brick"


def test_neighbors_by_keyboard_and_one_persons_marks(small_world: World, open_page: Open) -> None:
    page = open_page("/units/net/features.3/1/")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 2 of features.3")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 1 of features.3")
    page.get_by_role("link", name="show the 2 marks").first.click()
    expect(page.locator(".us-tile.us-is-marked")).to_have_count(2)


@told_at(1440, "dark")
def test_ten_units_are_reviewed_by_keyboard_with_two_strokes_each_and_one_is_undone(
    transactional_db: None, tmp_path: Path, open_page: Open, width: int, scheme: str
) -> None:
    world = make_world(tmp_path, n_units=11)
    for i, word in enumerate(["lamp", "tree", "boat"]):
        Answer.objects.filter(assignment__worker__pseudonym=f"net-person-{i}").update(description=word)
    label_campaign(campaign=world.campaign, now=NOW, keeps_suspected=True)  # they say the same of each unit
    page = open_page("/review/", width=width, scheme=scheme)
    page.keyboard.press("b")
    for _ in range(10):
        expect(page.get_by_role("heading", name="What do the bright parts have in common?")).to_be_visible()
        page.keyboard.press("Space")
        expect(page.get_by_role("heading", name="What others say")).to_be_visible()
        page.keyboard.press("a")
        page.wait_for_url(re.compile(r"/review/(\?|try/\d+/$)"))
    assert world.campaign.unit_labels.filter(accepted_at=None).count() == 0
    assert AuditEntry.objects.filter(action="accept", actor_name="ada").count() == 10
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: accept")).to_be_visible()
    assert world.campaign.unit_labels.filter(accepted_at=None).count() == 1


@told_at(360, "light")
def test_enter_keeps_the_typed_word_and_u_takes_it_back(
    small_world: World, open_page: Open, width: int, scheme: str
) -> None:
    label = UnitLabel.objects.get(unit__index=0)
    page = open_page("/review/", width=width, scheme=scheme)
    page.keyboard.press("b")
    expect(page.get_by_role("heading", name="What do the bright parts have in common?")).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="What others say")).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.type("hubcap")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unit 0 of features.3 is called “hubcap” from now on.")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: rename “wheel” to “hubcap” (unit 0 of features.3).")).to_be_visible()
    assert page.url.endswith(f"/review/try/{label.pk}/")
    label.refresh_from_db()
    assert (label.concept, label.accepted_at) == ("wheel", None)


def test_a_running_dissections_progress_moves(small_world: World, open_page: Open) -> None:
    running = Dissection.objects.create(
        network=small_world.dissection.network,
        image_set=small_world.dissection.image_set,
        layer_paths=["features.5"],
        state="running",
        n_images=1000,
        created_at=NOW,
    )
    for position in range(2):
        GPUTask.objects.create(
            dissection=running,
            position=position,
            stage="measure",
            first_image=500 * position,
            end_image=500 * (position + 1),
            state="sent",
            sent_at=NOW,
        )
    page = open_page(f"/dissections/{running.pk}/")
    expect(page.locator("#progress")).to_contain_text("0 of 1000")
    GPUTask.objects.filter(dissection=running, position=0).update(state="done")
    expect(page.locator("#progress")).to_contain_text("500 of 1000")
    Dissection.objects.filter(pk=running.pk).update(state="failed", error="The disk is full.")
    expect(page.get_by_text("The disk is full.")).to_be_visible()


def test_from_a_dissection_to_a_published_campaign(
    market: Any, tmp_path: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The web queue's work is done within the request; what is sent over HTTP to the marketplace stays as it is.
    def work_now(name: str, args: list[Any], queue: str) -> None:
        assert (name, queue) == (tasks.run.name, "web")
        tasks.run(*args)

    monkeypatch.setattr("workers.app.app.send_task", work_now)
    make_dissection(tmp_path)
    page = open_page("/launch/")
    expect(page.locator("#quote")).to_contain_text("Still needed for a price: dissections.")
    page.fill("[name=name]", "first-try")
    page.get_by_label("net on net-set").check()
    page.fill("[name=top_iou]", "2")
    page.fill("[name=random]", "1")
    expect(page.locator("#quote")).to_contain_text("$6.48")  # while it is typed
    page.get_by_role("button", name="Compose and quote").click()
    expect(page).to_have_url(re.compile("/campaigns/first-try/$"))
    expect(page.get_by_text("$6.48")).to_be_visible()  # 3 units x 3 answers x $0.60, and a fifth of it as fees
    assert Campaign.objects.get().state == "quoted"
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#campaign")).to_contain_text("3 published")
    assert Campaign.objects.get().state == "published"
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"compose", "quote", "publish"}


@pytest.mark.slow
def test_no_page_scrolls_sideways_or_for_long_and_axe_finds_nothing_serious(
    transactional_db: None,
    tmp_path: Path,
    open_page: Open,
    chromium: Browser,
    live_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu_queue, "send", lambda *_: None)  # no GPU process is there that could take it
    world = make_world(tmp_path, n_units=33, n_answers=2)  # as many units as the demo asks about
    shown = Shown(label=UnitLabel.objects.earliest("pk"), dissection=world.dissection)
    User.objects.update(is_superuser=True)
    page, outer = open_page("/"), chromium.new_page()
    said: list[str] = []
    for one in (page, outer):
        one.on("console", lambda message: said.append(message.text))
    inner = [f"{live_server.url}{one}" for one in (*shown.list_inner_pages(), *ADMIN_PAGES)]
    found = {(address, *look): wrong for address in inner for look, wrong in look_at(page, address)}
    for address in [f"{live_server.url}{one}" for addresses in OUTER_PAGES.values() for one in addresses]:
        found |= {(address, *look): wrong for look, wrong in look_at(outer, address)}
    outer.close()
    assert found == {}
    assert [text for text in said if "Content Security Policy" in text] == []


def look_at(page: Page, address: str) -> Iterator[tuple[tuple[int, str], list[str]]]:
    """What is wrong with a page at each look: axe's serious findings, whether it scrolls sideways, or for too long."""
    page.goto(address)
    page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
    expect(page.locator("main.us-page, #main").first).to_be_visible()
    for width, scheme, rules in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        # As the theme's switch does; at load the page follows the system.
        page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", scheme == "dark")
        wrong = find_serious(page, rules)
        across, along = page.evaluate("(({scrollWidth: w, scrollHeight: h}) => [w, h])(document.documentElement)")
        wrong += [f"{across - width} px too wide"] if across > width else []
        wrong += [f"{along} px long"] if width < 1000 and along > MAX_PX else []
        if wrong:
            yield (width, scheme), wrong


def find_serious(page: Page, rules: tuple[str, ...]) -> list[str]:
    """The serious findings of axe by these rules; no rules: all of them."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if not rules:
        result = Axe().run(page, options=options).response
    else:  # axe is in the page already
        options["runOnly"] = {"type": "rule", "values": list(rules)}
        result = page.evaluate("options => axe.run(document, options)", options)
    assert result["passes"]
    return [one["id"] for one in result["violations"] if one["impact"] in ("serious", "critical")]
