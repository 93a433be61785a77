"""What the dashboard's tests share: one small world, and a viewer's browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from annotator.accounts.models import Role
from annotator.crowd.models import HIT, Assignment, Campaign, Worker
from annotator.dashboard.units.crop_views import compose_wall
from annotator.units.models import Dissection, ImageSet, Network
from tests.annotator.dashboard.making import World, make_person, make_world, sign_in

Open = Callable[..., Page]


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    compose_wall.cache_clear()
    return make_world(tmp_path)


@pytest.fixture
def small_world(transactional_db: None, tmp_path: Path) -> World:
    """For a browser: the server that it asks reads what was committed."""
    return make_world(tmp_path)


@pytest.fixture
def role_in_browser() -> Role:
    return Role.ADMIN


@pytest.fixture
def open_page(chromium: Browser, live_server: Any, transactional_db: None, role_in_browser: Role) -> Iterator[Open]:
    """A browser of one's own at an address, signed in by the form unless a guest opens it.

    A script that fails on any of its pages fails the test.
    """
    contexts, failures = [], []
    make_person(role_in_browser, "ada")

    def open_it(address: str = "/", *, width: int = 1440, scheme: Any = "light", is_guest: bool = False) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: failures.append(f"{page.url}: {error}"))
        page.goto(f"{live_server.url}{address}")
        if not is_guest:
            page.fill("[name=username]", "ada")
            page.fill("[name=password]", "five-green-lamps")
            page.keyboard.press("Enter")
            page.wait_for_url(f"{live_server.url}{address}")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert failures == []


@pytest.fixture
def viewer(db: None) -> Client:
    return sign_in(Role.VIEWER)


@pytest.fixture
def make_sized(db: None, tmp_path: Path) -> Callable[[int], World]:
    """Replaces the world by one of so many units."""

    def make(n_units: int) -> World:
        Assignment.objects.all().delete()
        HIT.objects.all().delete()
        Campaign.objects.all().delete()
        Dissection.objects.all().delete()
        Network.objects.all().delete()
        ImageSet.objects.all().delete()
        Worker.objects.all().delete()
        return make_world(tmp_path / str(n_units), n_units=n_units)

    return make
