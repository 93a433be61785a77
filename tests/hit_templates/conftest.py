"""A browser on the HIT pages of a running server, with the real sandbox behind a socket to submit to."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from annotator.crowd.models import HIT, Campaign
from tests.annotator.crowd.fixtures import dissection, hit, market, visit
from tests.annotator.crowd.making import make_campaign

__all__ = ["dissection", "hit", "market", "visit"]
Open = Callable[..., Page]


@pytest.fixture(autouse=True)
def hand_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here for somebody who wants to correct an answer."""
    monkeypatch.setattr("annotator.crowd.page.describing.SECONDS_TO_CORRECT", 0)


@pytest.fixture
def campaign(market: Any, dissection: Any, live_server: Any, settings: Any) -> Campaign:
    """Published, and its pages served."""
    settings.HIT_PAGES_URL = live_server.url
    campaign = make_campaign(dissection)
    market.publish(campaign)
    return campaign


def page_address(live_server: Any, visitor: Any, **changes: str) -> str:
    return f"{live_server.url}/hit/{visitor.hit.public_id}/?{urlencode(visitor.query() | changes)}"


@pytest.fixture
def address(campaign: Campaign, market: Any, hit: HIT, live_server: Any) -> str:
    """The page of a HIT that `ada` has accepted on the marketplace."""
    return page_address(live_server, market.accept(hit, "ada"))


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Open]:
    """Opens an address in a browser of its own (or `beside` another page, in the same one)."""
    contexts = []

    def open_it(address: str, *, width: int = 1280, beside: Page | None = None) -> Page:
        context = beside.context if beside else chromium.new_context(viewport={"width": width, "height": 800})
        if not beside:
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def start_page(open_page: Open) -> Open:
    """Opens the page and agrees, where it asks."""

    def start(address: str, **options: Any) -> Page:
        page = open_page(address, **options)
        if page.locator("#agree").is_visible():
            page.click("#agree")
        page.wait_for_selector("body[data-ready]")
        return page

    return start
