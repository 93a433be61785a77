"""The marketplace `links`: single-use links, a completion code at the end, and nobody is paid twice on paper."""

import csv
import io
import uuid
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from playwright.sync_api import Browser as Chromium

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.campaigns import handing_out
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.publishing import publish_campaign, withdraw_campaign
from annotator.crowd.judging.approving import approve_assignments
from annotator.crowd.linked import Link, LinkedHIT, LinkedWork
from annotator.crowd.marketplaces.links.addresses import COOKIE, COOKIE_PATH, sign_place
from annotator.crowd.models import Assignment, Campaign, OutwardAct, Worker
from annotator.crowd.outbox.crash_points import Crashed
from annotator.crowd.outbox.session import open_session
from annotator.crowd.page import linking
from annotator.demo.management.commands.simulate_people import hand_out_links
from annotator.demo.people.browser import Browser
from annotator.demo.people.signing_in import Site
from annotator.demo.people.tempers import gather_people
from annotator.demo.people.working import Crew
from annotator.units.models import Dissection
from tests import axe
from tests.annotator.crowd.making import make_campaign
from tests.annotator.crowd.marketplaces.at_links import Guest, campaign, hand_out
from tests.annotator.dashboard.making import sign_in

__all__ = ["campaign"]
pytestmark = pytest.mark.django_db


def test_people_work_through_their_links_and_get_a_code(campaign: Campaign, tmp_path: Path) -> None:
    notes = tmp_path / "class.txt"
    notes.write_text("Ada\n\nBob\nCyd\n")
    out = io.StringIO()
    call_command("links", "make", campaign.name, "--notes", str(notes), stdout=out)
    ada, bob, cyd = (Guest(row["link"]) for row in csv.DictReader(io.StringIO(out.getvalue())))
    page = ada.work(ada.start())
    assert "You have done 1 so far" in page.content.decode()
    page = ada.work(ada.press(page, "next-form"))
    ada_code = Link.objects.get(note="Ada").code
    assert ada_code in page.content.decode(), "two are the most that one person may do"
    page = bob.press(bob.work(bob.start()), "finish-form")
    assert Link.objects.get(note="Bob").code in bob.client.get(bob.address).content.decode()
    assert ada_code not in cyd.client.get(cyd.address).content.decode()

    session = open_session(campaign)
    assert (collect_campaign(session).n_new, collect_campaign(session).n_new) == (3, 0)
    assert approve_assignments(session) == 3
    Assignment.objects.filter(worker__assignments__isnull=False).update(active_seconds=60.0)
    out = io.StringIO()
    call_command("links", "owed", campaign.name, stdout=out)
    owed = {row["note"]: row for row in csv.DictReader(io.StringIO(out.getvalue()))}
    assert [(row["state"], row["approved"], row["owed_usd"]) for row in owed.values()] == [
        ("finished", "2", "1.00"), ("finished", "1", "0.50"), ("new", "0", "0.00"),
    ]  # fmt: skip
    assert owed["Ada"]["code"] == ada_code
    researcher = sign_in(Role.RESEARCHER)
    for file in ("links", "owed"):
        assert "Ada" in researcher.get(f"/campaigns/{campaign.name}/links/{file}.csv").content.decode()
    told = AuditEntry.objects.filter(action="download links", subject=campaign.name).order_by("id")
    assert [entry.details for entry in told] == [{"file": "links"}, {"file": "owed"}]
    assert Worker.objects.count() == 2


def test_two_may_share_a_computer_and_the_requester_is_told(campaign: Campaign) -> None:
    ada, bob, cyd, _ = (Guest(address) for address in hand_out(campaign, *"ABCD"))
    bob.client = ada.client
    for guest in (ada, bob, cyd):
        assert guest.client.get(guest.start()["Location"]).status_code == 200, "each gets a HIT"
    assert [row["links_in_browser"] for row in handing_out.list_owed(campaign)] == [2, 2, 1, 0]
    page = sign_in(Role.RESEARCHER).get(f"/campaigns/{campaign.name}/links/").content.decode()
    assert "More than one link was started in 1 browser" in page
    assert page.count("1 of 2 in its browser") == 2


@pytest.mark.browser
def test_axe_finds_nothing_on_the_page_of_a_link(campaign: Campaign, chromium: Chromium) -> None:
    """Before the start, after one HIT, at the end, and in another browser; the page needs no other file."""
    (address,) = hand_out(campaign, "Ada")
    ada, other = Guest(address), Guest(address)
    shown = [ada.client.get(ada.address), ada.work(ada.start())]
    shown += [ada.work(ada.press(shown[-1], "next-form")), other.client.get(other.address)]
    assert [page.status_code for page in shown] == [200, 200, 200, 403]
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    found = []
    for one in shown:
        page.set_content(one.content.decode())
        is_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        found.append((is_wide, axe.find_serious(page)))
    page.close()
    assert found == [(False, {})] * len(shown)


def test_a_link_is_one_persons(campaign: Campaign) -> None:
    (address,) = hand_out(campaign, "Ada")
    ada, other = Guest(address), Guest(address)
    moved = ada.start()
    page = other.client.get(other.address)
    assert page.status_code == 403
    assert "started in another browser" in page.content.decode()
    assert other.client.post(f"{other.address}start").status_code == 403
    assert Link.objects.get().code not in page.content.decode()
    other.client.cookies[COOKIE] = "of another link"
    page = other.client.get(moved["Location"])
    assert page.status_code == 403, "whoever has the HIT's address has not the browser"
    assert "started in another browser" in page.content.decode()
    place = LinkedWork.objects.get().external_id
    assert other.client.post(f"/hit/place/{sign_place(place)}/done", {"description": "lamp"}).status_code == 409
    ada.work(moved)
    assert "so far" in ada.hand_over().content.decode(), "sending the form again changes nothing"
    assert LinkedWork.objects.count() == 1
    call_command("links", "reopen", campaign.name, 1, stdout=io.StringIO())
    assert ada.client.get(moved["Location"]).status_code == 403, "it waits for the browser that starts it next"
    assert other.start().status_code == 302
    call_command("links", "revoke", campaign.name, 1, stdout=io.StringIO())
    assert "was withdrawn" in other.client.get(other.address).content.decode()
    held = LinkedWork.objects.get(state="accepted")
    handed_over = other.client.post(f"/hit/place/{sign_place(held.external_id)}/done", {"description": "lamp"})
    assert (handed_over.status_code, LinkedWork.objects.filter(state="accepted").count()) == (409, 1)
    forged = Guest(f"{address[:-3]}xx/")
    assert forged.client.get(forged.address).status_code == 404
    assert forged.client.post("/hit/place/LW0:forged/done").status_code == 404
    hit = campaign.hits.earliest("id")
    assert forged.client.get(f"/hit/{hit.public_id}/?place=LW0:forged").status_code == 404


def test_a_browser_whose_cookie_does_not_reach_the_hit_is_told_to_open_its_link(campaign: Campaign) -> None:
    """As cookies of the first version: their path was /hit/link/."""
    (address,) = hand_out(campaign, "Ada")
    ada = Guest(address)
    moved = ada.start()
    ada.work(moved, hands_over=False)
    Assignment.objects.update(state="started")
    secret = ada.client.cookies.pop(COOKIE).value
    for page in (ada.client.get(moved["Location"]), ada.send()):
        text = page.content.decode()
        assert (page.status_code in (403, 409), "another browser" in text) == (True, False)
        assert "Please open your own link again in this browser and go on there." in text
    ada.client.cookies[COOKIE] = secret
    renewed = ada.client.get(address).cookies[COOKIE]
    assert (renewed.value, renewed["path"]) == (secret, COOKIE_PATH)
    assert ada.client.get(moved["Location"]).status_code == 200


def test_a_link_that_is_started_before_the_study_says_so(dissection: Dissection) -> None:
    (address,) = hand_out(make_campaign(dissection, marketplace="links", n_assignments=1), "Ada")
    ada = Guest(address)
    page = ada.client.get(ada.start()["Location"])
    assert "the study has not begun, is paused, or others hold what is left" in page.content.decode()


def test_looking_at_a_link_does_not_use_it_up_and_its_forms_are_guarded(campaign: Campaign) -> None:
    (address,) = hand_out(campaign, "")
    scanner, ada = Guest(address), Guest(address, enforce_csrf_checks=True)
    assert scanner.client.get(scanner.address).status_code == 200
    assert not Link.objects.get().browser_sha256
    page = ada.client.get(ada.address)
    assert ada.client.post(f"{ada.address}start").status_code == 403, "without the token of the page"
    token = page.context["csrf_token"]
    assert ada.client.post(f"{ada.address}start", {"csrfmiddlewaretoken": str(token)}).status_code == 302


def test_a_place_is_taken_once_and_is_free_again_when_its_time_is_over(campaign: Campaign) -> None:
    LinkedHIT.objects.exclude(pk=LinkedHIT.objects.earliest("pk").pk).update(is_stopped=True)
    first, second = (Guest(address) for address in hand_out(campaign, "", ""))
    moved = first.start()
    page = second.client.get(second.start()["Location"])
    assert 'id="nothing-left"' in page.content.decode()
    LinkedWork.objects.update(deadline=timezone.now())
    assert first.client.get(moved["Location"]).status_code == 410
    assert 'id="next-form"' in first.client.get(first.address).content.decode(), "the place is still free"
    assert second.work(second.client.post(f"{second.address}next")).status_code == 200
    assert 'id="nothing-left"' in first.client.get(first.address).content.decode()


@pytest.mark.parametrize("is_late", [False, True])
def test_a_withdrawn_hit_takes_answers_in_time_and_later_none_that_nobody_would_collect(
    campaign: Campaign, is_late: bool
) -> None:
    (address,) = hand_out(campaign, "")
    ada = Guest(address)
    ada.work(ada.start(), hands_over=False)
    withdraw_campaign(open_session(campaign))
    if is_late:
        LinkedWork.objects.update(deadline=timezone.now())
    collect_campaign(open_session(campaign))
    assert (Campaign.objects.get().state == "complete") is is_late
    expected = (409, "accepted") if is_late else (302, "submitted")
    assert (ada.send().status_code, LinkedWork.objects.get().state) == expected


@pytest.mark.parametrize("why", ["paused", "held"])
def test_a_link_goes_on_after_a_pause_and_when_others_let_go(campaign: Campaign, why: str) -> None:
    ada, *others = (Guest(address) for address in hand_out(campaign, *"ABCD"))
    ada.work(ada.start(), hands_over=False)
    if why == "paused":
        Campaign.objects.update(is_paused=True)
    else:
        assert [one.start().status_code for one in others] == [302] * 3
    text = ada.hand_over().content.decode()
    assert "Nothing is free at the moment" in text
    assert 'id="finish-form"' in text
    assert ada.client.post(f"{ada.address}next")["Location"] == ada.address, "no HIT, and no page of a refusal"
    Campaign.objects.update(is_paused=False)
    LinkedWork.objects.filter(state="accepted").update(deadline=timezone.now())
    assert 'id="next-form"' in ada.client.get(ada.address).content.decode()
    LinkedHIT.objects.update(is_stopped=True)
    text = ada.client.get(ada.address).content.decode()
    assert "Get my code" in text
    assert not Link.objects.exclude(finished_at=None).exists(), "looking changes nothing"
    ada.client.post(f"{ada.address}finish")
    assert Link.objects.get(note="A").code in ada.client.get(ada.address).content.decode()


@pytest.mark.django_db(transaction=True)
def test_simulated_people_work_through_their_links(
    campaign: Campaign, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HIT_PAGES_URL = live_server.url
    people = gather_people(n_people=2)
    addresses = hand_out_links(campaign, [person.name for person in people])

    def answer(crew: Crew, person: Any, browser: Browser, frame: Any, config: Any, start: Any) -> dict[str, Any]:
        work = {"work_token": start["work_token"], "client_id": str(uuid.uuid4()), "active_seconds": 60.0}
        said = {"description": "lamp", "category": "object", "marked": [1]}
        return browser.post_json(frame.link(config["urls"]["submit"]), work | said).data

    monkeypatch.setattr(Crew, "_answer", answer)
    site, browsers = Site("", frozenset(), frozenset()), {person.name: Browser() for person in people}
    crew = Crew(site, people, viewer=cast(Any, None), knowledge=cast(Any, None), seed=1, browsers=browsers)
    assert crew.use_links(addresses).n_submitted == 4, "two each, as many as one person may do"
    assert not Link.objects.filter(finished_at=None).exists()
    assert collect_campaign(open_session(campaign)).n_new == 4
    assert set(Worker.objects.values_list("is_simulated", flat=True)) == {True}
    assert hand_out_links(campaign, [person.name for person in people]) == addresses


@pytest.mark.parametrize("point", ["after decision", "after claim", "after call", "after record"])
def test_no_crash_makes_a_hit_twice(dissection: Dissection, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    made = make_campaign(dissection, marketplace="links", n_assignments=1)
    for verb in ("register", "publish"):
        monkeypatch.setenv("UNITSCOPE_CRASH_AT", f"raise:{point}:{verb}")
        with pytest.raises(Crashed):
            publish_campaign(open_session(Campaign.objects.get(pk=made.pk)))
    monkeypatch.setenv("UNITSCOPE_CRASH_AT", "")
    publish_campaign(open_session(Campaign.objects.get(pk=made.pk)))
    assert LinkedHIT.objects.count() == made.hits.count() == 4
    assert not OutwardAct.objects.exclude(state="done").exists()


def test_only_campaigns_at_links_have_links(dissection: Dissection, campaign: Campaign) -> None:
    elsewhere = make_campaign(dissection, name="elsewhere")
    with pytest.raises(CommandError, match="only campaigns at links"):
        call_command("links", "make", elsewhere.name, "--people", "1")
    with pytest.raises(CommandError, match="has 1 to"):
        call_command("links", "make", campaign.name, "--people", "0")
    (link,) = handing_out.make_links(campaign, notes=[""], now=timezone.now())
    with pytest.raises(linking.LinkRefused, match="at least one"):
        linking.finish_link(link, now=timezone.now())
