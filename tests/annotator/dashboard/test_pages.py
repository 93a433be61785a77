"""Every page answers, within 15 queries, to those who may see it and to nobody else."""

import contextlib
import math
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve

from annotator.accounts.models import Role
from annotator.crowd.models import Assignment
from annotator.dashboard.frame.paging import read_page
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel
from tests.annotator.dashboard.addresses import NO_PAGES, OUTER_PAGES, PAGES, PARTS, WORK_PAGES, Shown, list_routes
from tests.annotator.dashboard.making import World, make_person, sign_in

MAX_QUERIES = 15
WORKING = [address for found in WORK_PAGES.values() for address in found]
FILTERS = [
    "concept=wheel",
    "network=net&layer=features.3",
    "index=3",
    "category=object+part",
    "broden_category=object",
    "relation=agree",
    "relation=different",
    "precision_min=0.5&precision_max=0.9",
    "iou_min=0.04&iou_max=0.1",
    "review=on",
    "campaign=try",
    "mode=lite",
    "sort=precision&page=2",
    "beside=net/features.3&network=net&layer=features.3&concept=s",
]


@pytest.fixture
def reading(world: World) -> list[str]:
    """What a viewer may look at."""
    shown = Shown(label=UnitLabel.objects.earliest("pk"), dissection=world.dissection)
    return shown.fill_in(
        address for route, found in (PAGES | PARTS).items() if route != "review-one" for address in found
    )


def test_every_route_is_a_page_that_is_looked_at_or_known_to_be_none() -> None:
    looked_at = PAGES.keys() | PARTS.keys() | WORK_PAGES.keys() | OUTER_PAGES.keys()
    assert list_routes() == looked_at | NO_PAGES
    assert not looked_at & NO_PAGES


def count_queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return len(captured)


def test_a_viewer_sees_every_page_within_the_budget(reading: list[str], viewer: Client) -> None:
    counted = {address: count_queries(viewer, address) for address in reading}
    assert {address: n for address, n in counted.items() if n > MAX_QUERIES} == {}


def test_who_is_offered_every_step_sees_every_page_within_the_budget(reading: list[str]) -> None:
    admin = sign_in(Role.ADMIN)
    counted = {address: count_queries(admin, address) for address in reading}
    assert {address: n for address, n in counted.items() if n > MAX_QUERIES} == {}


def test_the_gallery_keeps_the_budget_whatever_is_asked(world: World, viewer: Client) -> None:
    counted = {filters: count_queries(viewer, f"/units/?{filters}") for filters in FILTERS}
    assert {filters: n for filters, n in counted.items() if n > MAX_QUERIES} == {}


def test_a_researcher_may_start_work_and_a_viewer_may_not(world: World, viewer: Client) -> None:
    researcher = sign_in(Role.RESEARCHER)
    for address in WORKING:
        assert viewer.get(address).status_code == 403
        assert count_queries(researcher, address) <= MAX_QUERIES


def test_a_reviewer_sees_the_queue_within_the_budget(world: World) -> None:
    reviewer, label = sign_in(Role.REVIEWER), UnitLabel.objects.earliest("pk")
    for address in ("/review/", f"/review/try/{label.pk}/", f"/review/try/{label.pk}/?evidence=1"):
        assert count_queries(reviewer, address) <= MAX_QUERIES, address


def test_more_units_make_no_more_queries(
    db: None, viewer: Client, make_sized: Callable[[int], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine counting may be slow enough to be kept, which spares queries.
    monkeypatch.setattr("annotator.dashboard.campaigns.counts.NEVER_KEPT_SECONDS", math.inf)
    pages = ["/", "/units/", "/units/net/features.3/1/", "/review/", "/campaigns/try/"]
    make_sized(4)
    few = [count_queries(viewer, page) for page in pages]
    make_sized(24)
    assert [count_queries(viewer, page) for page in pages] == few


def test_more_that_needs_a_person_makes_no_more_queries(world: World, viewer: Client) -> None:
    answers = list(Assignment.objects.order_by("pk")[:6])
    Assignment.objects.filter(pk__in=[one.pk for one in answers[:2]]).update(
        state="submitted", is_from_marketplace=True
    )
    few = count_queries(viewer, "/campaigns/try/attention")
    Assignment.objects.filter(pk__in=[one.pk for one in answers]).update(state="submitted", is_from_marketplace=True)
    assert viewer.get("/campaigns/try/attention").content.decode().count("features.3 unit") >= len(answers)
    assert count_queries(viewer, "/campaigns/try/attention") == few


@pytest.mark.parametrize(
    ("number", "shown"), [(None, 1), ("1", 1), ("2", 2), ("3", 3), ("4", 3), ("99", 3), ("0", 3), ("-1", 3), ("x", 1),
                          ("9" * 30, 3), ("٢", 2), ("²", 1)]
)  # fmt: skip
def test_a_page_of_a_list_comes_with_its_number(db: None, number: str | None, shown: int) -> None:
    User.objects.bulk_create(User(username=f"person {i}") for i in range(23))
    page = read_page(User.objects.order_by("pk"), number=number, size=10)
    assert (page.number, page.paginator.num_pages, page.paginator.count) == (shown, 3, 23)
    assert [one.username for one in page] == [f"person {i}" for i in range(23)][10 * shown - 10 : 10 * shown]
    assert len(read_page(User.objects.none(), number=number, size=10)) == 0


def test_who_is_signed_out_is_sent_to_sign_in(reading: list[str]) -> None:
    for address in [*reading, *WORKING]:
        response = Client().get(address)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/sign-in/?next="), address


def test_a_viewer_is_offered_no_page_that_refuses_them(reading: list[str], viewer: Client) -> None:
    offered: dict[str, str] = {}
    for address in reading:
        for link in re.findall(r'href="(/[^"#]+)', viewer.get(address).content.decode()):
            with contextlib.suppress(Resolver404):  # styles and scripts
                offered.setdefault(resolve(link.partition("?")[0]).view_name, unescape(link))
    assert {"gallery", "campaign", "answers"} <= offered.keys()
    assert not {"launch", "dissect", "import"} & offered.keys()
    assert {link for link in offered.values() if _ask(viewer, link) == 403} == set()


def _ask(client: Client, link: str) -> int:
    """A file is read to its end, which closes it."""
    response = client.get(link)
    if response.streaming:
        list(response)
    return response.status_code


def test_who_has_no_role_sees_nothing(reading: list[str]) -> None:
    user = make_person(Role.VIEWER)
    user.membership.delete()  # type: ignore[attr-defined]
    client = Client()
    client.force_login(user)
    for address in reading:
        response = client.get(address)
        assert response.status_code == 403, address
        assert "features.3" not in response.content.decode()


def test_simulated_people_are_called_so_wherever_their_answers_show(world: World, viewer: Client) -> None:
    page = viewer.get("/units/net/features.3/1/").content.decode()
    assert page.count('us-simulated">simulated<') == 2  # two of the three who answered are programs
    assert "4 answers by simulated people" not in page
    assert "10 answers by simulated people" in viewer.get("/campaigns/try/").content.decode()


def test_rendered_images_are_called_so(world: World, viewer: Client) -> None:
    assert "rendered images" not in viewer.get("/units/").content.decode()
    image_set = world.dissection.image_set
    image_set.is_rendered = True
    image_set.save()
    for address in ("/units/", "/", "/units/net/features.3/1/", f"/dissections/{world.dissection.pk}/"):
        assert "rendered images" in viewer.get(address).content.decode(), address


def test_the_marketplace_is_named_on_every_page(world: World, viewer: Client) -> None:
    world.campaign.marketplace = "mturk"
    world.campaign.save()
    for address in ("/", "/units/", "/units/net/features.3/1/", "/decisions/"):
        assert "MTurk: real money" in viewer.get(address).content.decode(), address


NOWHERE = [
    "/units/net/features.3/99/",
    "/units/net/nowhere/0/",
    "/units/other/features.3/0/",
    "/campaigns/none/",
    "/dissections/00000000-0000-0000-0000-000000000000/",
]


@pytest.mark.parametrize(
    ("module", "address"),
    [("reports.comparison", "comparison/?relation=equal"), ("campaigns.answer_table", "answers/?state=submitted")],
)
def test_the_next_page_keeps_the_filter(
    world: World, viewer: Client, monkeypatch: pytest.MonkeyPatch, module: str, address: str
) -> None:
    monkeypatch.setattr(f"annotator.dashboard.{module}.PAGE_SIZE", 1)
    page = viewer.get(f"/campaigns/try/{address}").content.decode()
    assert f'rel="next" href="?{address.partition("?")[2]}&amp;page=2"' in page


def test_what_does_not_exist_is_not_found(world: World, viewer: Client) -> None:
    assert [viewer.get(address).status_code for address in NOWHERE] == [404] * len(NOWHERE)
    assert "There is nothing at this address" in viewer.get(NOWHERE[0]).content.decode()


def test_a_unit_page_states_the_interval_of_an_iou_that_has_one(world: World, viewer: Client) -> None:
    address = "/units/net/features.3/1/"
    AutomaticLabel.objects.filter(unit__index=1).update(iou_low=None, iou_high=None)
    assert "95 % interval over images" not in viewer.get(address).content.decode()
    AutomaticLabel.objects.filter(unit__index=1, is_best=True).update(iou_low=0.0123, iou_high=0.0678)
    page = viewer.get(address).content.decode()
    assert "[0.012, 0.068]" in page
    assert "95 % interval over images" in page


def test_a_unit_page_refuses_settings_it_does_not_have(world: World, viewer: Client) -> None:
    for query in ["answer=x", "answer=9999999999999999999999", "dissection=x", "mode=x", "unit__x=1"]:
        response = viewer.get(f"/units/net/features.3/1/?{query}")
        assert response.status_code == 400, query
