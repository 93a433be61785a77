"""A researcher and a reviewer at work in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from annotator.accounts.models import AuditEntry, Membership
from annotator.crowd.models import Answer, Campaign
from annotator.labels.models import UnitLabel
from annotator.labels.recording import label_campaign
from annotator.units import gpu_queue
from annotator.units.models import Dissection, GPUTask
from annotator.work import tasks
from tests import axe, keyboard
from tests.annotator.crowd.fixtures import market
from tests.annotator.crowd.making import NOW, make_campaign, make_dissection
from tests.annotator.dashboard.addresses import OUTER_PAGES, Shown
from tests.annotator.dashboard.conftest import Open
from tests.annotator.dashboard.looks import told_at
from tests.annotator.dashboard.making import World, make_world
from tests.annotator.dashboard.test_localizing import make_answer, make_run

__all__ = ["market"]
pytestmark = pytest.mark.browser
# Each page is looked at twice: what depends on the width and what depends on the colors is each met once. The second
# time, axe looks only for what these can change.
ON_NARROW = ("color-contrast", "scrollable-region-focusable", "link-name", "button-name", "label", "aria-hidden-focus")
LOOKS: list[tuple[int, Any, tuple[str, ...]]] = [(1440, "light", ()), (360, "dark", ON_NARROW)]
MAX_PX = 6000


def titles(page: Page) -> list[str]:
    return page.locator(".us-unit .us-where").all_inner_texts()


def test_a_unit_is_found_by_its_concept_in_three_actions_and_its_view_can_be_sent(
    small_world: World, open_page: Open
) -> None:
    page = open_page("/")
    page.locator("#nav-sidebar").get_by_text("Units", exact=True).click()
    page.locator("#id_concept").press_sequentially("brick")
    expect(page).to_have_url(re.compile("concept=brick(&|$)"))  # it asks while it is typed, too
    expect(page.locator(".us-unit")).to_have_count(1)
    sent = page.url
    page.get_by_role("link", name="brick wall").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 3 of features.3")
    expect(page.locator(".us-headline").first).to_have_text("brick wall")
    second = open_page(re.sub(r"^https?://[^/]+", "", sent))
    assert titles(second) == ["features.3 · unit 3 · net on net-set"]
    assert second.locator("#id_concept").input_value() == "brick"


def test_neighbors_by_keyboard_and_one_persons_marks(small_world: World, open_page: Open) -> None:
    page = open_page("/units/net/features.3/1/")
    keyboard.press(page, "ArrowRight")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unit 2 of features.3")
    keyboard.press(page, "ArrowLeft")
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
    keyboard.press(page, "b")
    for _ in range(10):
        expect(page.get_by_role("heading", name="What do the bright parts have in common?")).to_be_visible()
        keyboard.press(page, "Space")
        expect(page.get_by_role("heading", name="What others say")).to_be_visible()
        keyboard.press(page, "a")
        page.wait_for_url(re.compile(r"/review/(\?|try/\d+/$)"))
    assert world.campaign.unit_labels.filter(accepted_at=None).count() == 0
    assert AuditEntry.objects.filter(action="accept", actor_name="ada").count() == 10
    keyboard.press(page, "u")
    expect(page.get_by_text("Undone: accept")).to_be_visible()
    assert world.campaign.unit_labels.filter(accepted_at=None).count() == 1


@told_at(360, "light")
def test_enter_keeps_the_typed_word_and_u_takes_it_back(
    small_world: World, open_page: Open, width: int, scheme: str
) -> None:
    label = UnitLabel.objects.get(unit__index=0)
    page = open_page("/review/", width=width, scheme=scheme)
    keyboard.press(page, "b")
    expect(page.get_by_role("heading", name="What do the bright parts have in common?")).to_be_visible()
    keyboard.press(page, "e")
    expect(page.get_by_role("heading", name="What others say")).to_be_visible()
    keyboard.press(page, "r")
    page.keyboard.type("hubcap")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unit 0 of features.3 is called “hubcap” from now on.")).to_be_visible()
    keyboard.press(page, "u")
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
    expect(page.locator("#progress")).to_contain_text("0 of 1,000")
    GPUTask.objects.filter(dissection=running, position=0).update(state="done")
    expect(page.locator("#progress")).to_contain_text("500 of 1,000")
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
    shown: Shown, open_page: Open, chromium: Browser, live_server: Any
) -> None:
    page, outer = open_page("/"), chromium.new_page()
    said: list[str] = []
    for one in (page, outer):
        one.on("console", lambda message: said.append(message.text))
    pages = [(page, one) for one in shown.list_inner_pages()]
    pages += [(outer, one) for addresses in OUTER_PAGES.values() for one in addresses]
    found = look_at_all(pages, live_server.url)
    outer.close()
    assert found == {}
    assert [text for text in said if "Content Security Policy" in text] == []


@pytest.mark.slow
def test_so_it_is_with_shared_and_filled_pages_and_with_the_admins_tables(
    shown: Shown, open_page: Open, chromium: Browser, live_server: Any, settings: Any
) -> None:
    settings.WEB_URL = live_server.url
    page, outer = open_page("/units/net/features.3/1/"), chromium.new_page()
    User.objects.update(is_superuser=True)
    link = keep_note_view_and_link(page).removeprefix(live_server.url)
    inner = ["/notes/", "/units/net/features.3/1/", *make_more_pages(shown.dissection), *list_tables()]
    found = look_at_all([(outer, "/shared/none/"), (outer, link), *((page, one) for one in inner)], live_server.url)
    outer.close()
    assert found == {}


def test_the_accounts_menu_sets_the_colors_by_keyboard(open_page: Open) -> None:
    page = open_page("/people/")
    page.get_by_role("button", name="Your account").press("Enter")
    expect(page.get_by_role("button", name="Colors: light")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile("dark"))


@pytest.mark.slow
def test_the_keyboard_reaches_every_control(shown: Shown, open_page: Open, live_server: Any) -> None:
    page = open_page("/")
    found = {}
    User.objects.update(is_superuser=True)
    for address in [*shown.list_inner_pages(), *list_tables()]:
        page.goto(f"{live_server.url}{address}", wait_until="networkidle")
        page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
        if wrong := keyboard.find_unreachable(page) + keyboard.walk_by_tab(page):
            found[address] = wrong
    assert found == {}


@pytest.fixture
def shown(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """As many units as the demo asks about; no GPU process is there that could take what pages ask."""
    monkeypatch.setattr(gpu_queue, "send", lambda *_: None)
    world = make_world(tmp_path, n_units=33, n_answers=2)
    return Shown(label=UnitLabel.objects.earliest("pk"), dissection=world.dissection)


def look_at_all(pages: list[tuple[Page, str]], server: str) -> dict[tuple[Any, ...], list[str]]:
    return {(address, *look): wrong for page, address in pages for look, wrong in look_at(page, f"{server}{address}")}


def keep_note_view_and_link(page: Page) -> str:
    """Of the unit whose page is open; returns the link."""
    address = page.url
    page.fill("#note-text", "It also fires on spokes.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#notes article")).to_be_visible()
    page.get_by_text("Keep or share this view").click()
    page.fill("#view-name", "wheels")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("Kept as “wheels”.")).to_be_visible()
    page.goto(address)
    page.get_by_text("Keep or share this view").click()
    page.get_by_role("button", name="Make a link").click()
    return page.locator("#shared-link").inner_text()


def make_more_pages(dissection: Dissection) -> list[str]:
    """Pages of what the world lacks: a campaign that is not published yet, a localization."""
    make_campaign(dissection, name="draft")
    found = make_run(state="answered", answer=make_answer())
    waiting = make_run()
    return [
        "/campaigns/draft/", "/campaigns/draft/edit/", "/launch/?like=try", "/campaigns/try/figures/",
        "/campaigns/try/answers/?state=submitted", f"/localization/{found.pk}/", f"/localization/{waiting.pk}/",
    ]  # fmt: skip


def list_tables() -> list[str]:
    """The admin's tables, and a row of each kind of page that it has for one."""
    ours = [model for model in admin.site._registry if model.__module__.startswith("annotator.")]
    names = [f"admin:{model._meta.app_label}_{model._meta.model_name}" for model in ours]
    rows = [reverse(f"{name}_change", args=[one.pk]) for model, name in zip(ours, names, strict=True)
            if model in (Campaign, Membership) and (one := model._default_manager.first())]  # fmt: skip
    return ["/admin/", *(reverse(f"{name}_changelist") for name in names), *rows]


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
        wrong = axe.run_axe(page, rules)
        across, along = page.evaluate("(({scrollWidth: w, scrollHeight: h}) => [w, h])(document.documentElement)")
        wrong += [f"{across - width} px too wide"] if across > width else []
        wrong += [f"{along} px long"] if width < 1000 and along > MAX_PX else []
        if wrong:
            yield (width, scheme), wrong
