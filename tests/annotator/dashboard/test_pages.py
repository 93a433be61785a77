"""Every page answers, within 15 queries, to those who may see it and to nobody else."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotator.accounts.models import Role
from tests.annotator.dashboard.making import World, make_person, sign_in

MOST_QUERIES = 15
READING = [
    "/",
    "/live",
    "/units/",
    "/units/net/features.3/1/",
    "/campaigns/",
    "/campaigns/try/",
    "/campaigns/try/progress",
    "/campaigns/try/comparison/",
    "/campaigns/try/comparison/?relation=equal",
    "/dissections/",
    "/review/",
    "/decisions/",
    "/decisions/verified",
    "/people/",
]
WORKING = ["/launch/", "/dissections/new/"]
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


def count_queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return len(captured)


@pytest.mark.parametrize("address", READING)
def test_a_viewer_sees_it_within_the_budget(world: World, viewer: Client, address: str) -> None:
    assert count_queries(viewer, address) <= MOST_QUERIES


@pytest.mark.parametrize("filters", FILTERS)
def test_the_gallery_keeps_the_budget_whatever_is_asked(world: World, viewer: Client, filters: str) -> None:
    assert count_queries(viewer, f"/units/?{filters}") <= MOST_QUERIES


@pytest.mark.parametrize("address", WORKING)
def test_a_researcher_may_start_work_and_a_viewer_may_not(world: World, viewer: Client, address: str) -> None:
    assert viewer.get(address).status_code == 403
    assert count_queries(sign_in(Role.RESEARCHER), address) <= MOST_QUERIES


def test_more_units_make_no_more_queries(db: None, viewer: Client, make_sized: Callable[[int], World]) -> None:
    pages = ["/", "/units/", "/units/net/features.3/1/", "/review/", "/campaigns/try/"]
    make_sized(4)
    few = [count_queries(viewer, page) for page in pages]
    make_sized(24)
    assert [count_queries(viewer, page) for page in pages] == few


@pytest.mark.parametrize("address", [*READING, *WORKING])
def test_who_is_signed_out_is_sent_to_sign_in(world: World, address: str) -> None:
    response = Client().get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("address", ["/", "/units/", "/people/", "/live"])
def test_who_has_no_role_sees_nothing(world: World, address: str) -> None:
    user = make_person(Role.VIEWER)
    user.membership.delete()  # type: ignore[attr-defined]
    client = Client()
    client.force_login(user)
    response = client.get(address)
    assert response.status_code == 403
    assert "net" not in response.content.decode().split("<main")[-1].split("</main")[0].replace("internet", "")


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


@pytest.mark.parametrize(
    "address",
    [
        "/units/net/features.3/99/",
        "/units/net/nowhere/0/",
        "/units/other/features.3/0/",
        "/campaigns/none/",
        "/dissections/00000000-0000-0000-0000-000000000000/",
    ],
)
def test_what_does_not_exist_is_not_found(world: World, viewer: Client, address: str) -> None:
    assert viewer.get(address).status_code == 404


@pytest.mark.parametrize("query", ["answer=x", "answer=9999999999999999999999", "dissection=x", "mode=x", "unit__x=1"])
def test_a_unit_page_refuses_settings_it_does_not_have(world: World, viewer: Client, query: str) -> None:
    response = viewer.get(f"/units/net/features.3/1/?{query}")
    assert response.status_code == 400
    assert "us-empty" in response.content.decode()
