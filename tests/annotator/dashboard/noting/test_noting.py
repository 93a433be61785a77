"""Notes, tags and kept views of people, and links that show one page to whoever has them."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotator.accounts.managing import change_role, shut_out
from annotator.accounts.models import AuditEntry, Role, ShareLink
from annotator.crowd.models import Answer
from annotator.notes.models import SavedView, UnitNote, UnitTag
from annotator.notes.noting import CannotNote, read_tags
from annotator.units.models import Network, NetworkAlias
from tests.annotator.dashboard.making import World, make_person, sign_in

UNIT = "/units/net/features.3/1/"


@pytest.fixture
def researcher(db: None) -> Client:
    return sign_in(Role.RESEARCHER)


def share(researcher: Client, address: str, days: int = 7) -> str:
    """The path of a new link."""
    page = researcher.post("/share/", {"address": address, "days": days})
    assert page.status_code == 200, page.content
    found = re.search(r"https?://[^/<]+(/shared/[\w-]+/)", page.content.decode())
    assert found is not None
    return found[1]


def test_a_note_and_tags_stand_on_the_units_page_and_tags_filter_units(
    world: World, researcher: Client, viewer: Client
) -> None:
    saved = researcher.post(f"{UNIT}notes/", {"text": " Fires on <b>rims</b>, too. ", "tags": "Odd,  look  again,odd"})
    assert saved.status_code == 302
    page = viewer.get(UNIT).content.decode()
    assert "Fires on &lt;b&gt;rims&lt;/b&gt;, too." in page
    assert list(UnitTag.objects.values_list("name", flat=True)) == ["look again", "odd"]
    units = viewer.get("/units/?tag=Look again").content.decode()
    assert "features.3 · unit 1 · net on " in units
    assert units.count('class="us-unit"') == 1
    assert viewer.post(f"{UNIT}notes/", {"text": "no"}).status_code == 403
    listed = viewer.get("/notes/").content.decode()
    assert "look again" in listed
    assert "Fires on" in listed


@pytest.mark.parametrize("sent", [{}, {"text": "  "}, {"text": "x" * 2001}, {"tags": ",,"}, {"tags": "y" * 41}])
def test_what_cannot_be_noted_is_refused_in_words(world: World, researcher: Client, sent: dict[str, str]) -> None:
    assert researcher.post(f"{UNIT}notes/", sent).status_code == 422
    assert not UnitNote.objects.exists()
    assert not UnitTag.objects.exists()


def test_tags_are_parted_by_commas() -> None:
    assert read_tags("A b,, a  B ,c") == ["a b", "c"]
    with pytest.raises(CannotNote, match="at most 40"):
        read_tags("z" * 41)


def test_a_note_is_deleted_by_its_author_or_a_reviewer(world: World, researcher: Client) -> None:
    for _ in range(2):
        researcher.post(f"{UNIT}notes/", {"text": "mine"})
    first, second = UnitNote.objects.values_list("pk", flat=True)
    other = Client()
    other.force_login(make_person(Role.RESEARCHER, "zoe"))
    assert other.post(f"/notes/{first}/delete/").status_code == 403
    assert researcher.post(f"/notes/{first}/delete/").status_code == 302
    assert sign_in(Role.REVIEWER).post(f"/notes/{second}/delete/").status_code == 302
    assert not UnitNote.objects.exists()


def test_a_view_is_kept_under_a_name_and_shows_the_same_to_others(world: World, researcher: Client) -> None:
    address = "/units/?concept=wheel&sort=index"
    for _ in range(2):
        assert researcher.post("/views/", {"address": address, "name": "Wheels"}).url == address
    view = SavedView.objects.get()
    viewer = sign_in(Role.VIEWER)
    assert 'href="/units/?concept=wheel&amp;sort=index"' in viewer.get("/notes/").content.decode()
    assert viewer.post(f"/views/{view.pk}/delete/").status_code == 404
    assert researcher.post(f"/views/{view.pk}/delete/").status_code == 302
    for elsewhere in ("https://evil.example/units/", "//evil.example/units/", "/nowhere/", "", "//[1:2/"):
        assert researcher.post("/views/", {"address": elsewhere, "name": "x"}).status_code == 422
    assert not SavedView.objects.exists()


def test_a_shared_link_shows_its_page_and_pictures_and_nothing_else(world: World, researcher: Client) -> None:
    researcher.post(f"{UNIT}notes/", {"text": "between us"})
    link, guest = share(researcher, f"{UNIT}?mode=paper"), Client()
    assert guest.get(UNIT).status_code == 302
    opened = guest.get(link)
    assert (opened.status_code, opened.url) == (302, f"{UNIT}?mode=paper")
    assert opened["Cache-Control"] == "no-store"
    page = guest.get(opened.url)
    text = page.content.decode()
    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store"
    assert "Top crops, by rank" in text
    told = ("between us", "net-person", "researcher", "one by one", "Keep or share", "nav-sidebar", "How the label was")
    for private in told:
        assert private not in text
    assert "Unit 1 of features.3 <span" in text
    parts = re.findall(r'hx-get="([^"]+)"', text)
    assert parts
    assert {guest.get(part, headers={"HX-Request": "true"}).status_code for part in parts} == {200}
    pictures = re.findall(r"/crops/[\w-]+/\w+\.jpg", text)
    assert guest.get(pictures[0]).status_code == 200
    for address in (UNIT, "/units/net/features.3/2/", "/units/", "/", "/notes/", "/api/networks", f"{UNIT}?mode=lite"):
        assert guest.get(address).status_code in (302, 401), address
    assert guest.post(f"{UNIT}?mode=paper").status_code in (302, 405)
    assert Client().get(pictures[0]).status_code == 302
    for mode in ("area", "weighted", "strict"):
        guest.get(share(researcher, f"{UNIT}?mode={mode}"))
    with CaptureQueriesContext(connection) as queries:
        assert guest.get(f"{UNIT}?mode=lite").status_code == 302
    former = [one for one in queries if "networkalias" in one["sql"]]
    assert len(former) == 1, "former names of networks are read once, however many links were opened"


def test_a_shared_page_of_one_persons_marks_shows_no_persons_marks(world: World, researcher: Client) -> None:
    answer = Answer.objects.filter(hit_unit__unit__index=1).earliest("pk")
    address, guest = f"{UNIT}?answer={answer.assignment_id}", Client()
    assert "marks of" in researcher.get(address).content.decode()
    page = guest.get(share(researcher, address), follow=True).content.decode()
    assert "Top crops, by rank" in page
    assert "marks of" not in page


def test_a_note_and_its_tags_are_written_whole_or_not_at_all(world: World, researcher: Client) -> None:
    long = "\r\n".join(["a" * 199] * 10)
    assert researcher.post(f"{UNIT}notes/", {"text": long, "tags": "t" * 41}).status_code == 422
    assert researcher.post(f"{UNIT}notes/", {"text": f"{long}a", "tags": "kept?"}).status_code == 302
    assert researcher.post(f"{UNIT}notes/", {"text": "a" * 2001, "tags": "lost"}).status_code == 422
    assert (UnitNote.objects.get().text, UnitTag.objects.get().name) == (f"{long}a".replace("\r", ""), "kept?")


def end(link: ShareLink, how: str, researcher: Client) -> None:
    match how:
        case "ended":
            assert researcher.post(f"/share/{link.pk}/end/").status_code == 302
            assert researcher.post(f"/share/{link.pk}/end/").status_code == 404
        case "too old":
            ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "maker may not share":
            person = User.objects.get(pk=link.user_id)
            change_role(user=person, role=Role.VIEWER, actor=None, now=timezone.now())
        case "maker shut out":
            make_person(Role.ADMIN)
            shut_out(user=User.objects.get(pk=link.user_id), actor=None, now=timezone.now())


@pytest.mark.parametrize("how", ["ended", "too old", "maker may not share", "maker shut out"])
def test_a_link_that_has_ended_shows_nothing_in_no_browser(world: World, researcher: Client, how: str) -> None:
    path, guest = share(researcher, UNIT), Client()
    assert guest.get(path, follow=True).status_code == 200
    end(ShareLink.objects.get(), how, researcher)
    assert guest.get(UNIT).status_code == 302
    for browser in (guest, Client()):
        again = browser.get(path)
        assert again.status_code == 404
        assert "This link has ended" in again.content.decode()


@pytest.mark.parametrize(
    ("address", "days"),
    [("/campaigns/try/", 7), ("https://evil.example/", 7), (UNIT, 0), (UNIT, 91), (UNIT, ""), ("/people/", 7)],
)
def test_what_cannot_be_shared_is_refused(world: World, researcher: Client, address: str, days: Any) -> None:
    assert researcher.post("/share/", {"address": address, "days": days}).status_code == 422
    assert not ShareLink.objects.exists()


def test_sharing_takes_a_researcher_is_logged_and_keeps_no_key(world: World, researcher: Client) -> None:
    assert sign_in(Role.VIEWER).post("/share/", {"address": UNIT, "days": 7}).status_code == 403
    key = share(researcher, UNIT).split("/")[2]
    assert key not in str(ShareLink.objects.values())
    entry = AuditEntry.objects.get(action="share page")
    assert (entry.actor_name, entry.details["address"]) == ("researcher", UNIT)
    assert key not in str(entry.details)
    assert UNIT in researcher.get("/notes/").content.decode()


def test_a_shared_gallery_is_the_one_that_was_shared(world: World, researcher: Client) -> None:
    address = "/units/?concept=brick+wall&sort=index"
    guest = Client()
    page = guest.get(share(researcher, address), follow=True)
    assert page.status_code == 200
    assert 'id="filters"' not in page.content.decode()
    assert page.content.decode().count('class="us-unit"') == 1
    assert guest.get("/units/?sort=index&concept=brick%20wall").status_code == 200
    assert guest.get("/units/?sort=index").status_code == 302


@pytest.mark.parametrize(
    "address", ["/units/former/features.3/1/?mode=paper", "/units/?sort=index&network=former", "/layers/former/",
                "/units/beside/?unit=former/features.3/0&unit=net/features.3/1", "/layers/?network=former"],
)  # fmt: skip
def test_a_shared_page_follows_a_network_that_was_merged(world: World, researcher: Client, address: str) -> None:
    link, guest = share(researcher, address), Client()
    NetworkAlias.objects.create(name="former", network=Network.objects.get(name="net"))
    page = guest.get(link, follow=True)
    assert (page.status_code, unquote(page.redirect_chain[-1][0])) == (200, address.replace("former", "net"))
    assert guest.get("/units/").status_code == 302
