"""Prolific against a stand-in of its documented endpoints: a whole campaign, every crash point, no bonus paid twice."""

import signal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from annotator.crowd.campaigns.publishing import CannotPublish, publish_campaign
from annotator.crowd.marketplaces.outcomes import NoCredentials, RealMoneyRefused
from annotator.crowd.marketplaces.prolific.adapter import Prolific
from annotator.crowd.models import Assignment, Campaign, OutwardAct, Worker
from annotator.crowd.outbox.crash_points import Crashed
from annotator.units.models import Dissection
from tests.annotator.crowd import acting
from tests.annotator.crowd.fixtures import read_config
from tests.annotator.crowd.making import make_campaign
from tests.annotator.crowd.marketplaces.at_prolific import Participant, books, campaign, meet_people, sit
from tests.annotator.crowd.phases import CRASH_POINTS, PHASES, VERBS
from tools import prolific_stub
from tools.prolific_stub import Books

__all__ = ["books", "campaign"]
pytestmark = pytest.mark.django_db(transaction=True)


LIFE = ("publish", "reject", "approve", "top_up", "withdraw")
CRASHES = {"raise": CRASH_POINTS, "lose": ("after call",)}


def live(books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, manner: str = "") -> int:
    """The campaign's life; each phase first dies at the crash points of its acts. How often it died."""
    n_died = 0
    for name in LIFE:
        if name == "reject":
            meet_people(books, campaign)
        for crash in [f"{manner}:{point}:{verb}" for verb in VERBS[name] for point in CRASHES.get(manner, ())]:
            monkeypatch.setenv("UNITSCOPE_CRASH_AT", crash)
            n_died += _dies(lambda phase=PHASES[name]: phase(sit(campaign)))  # type: ignore[misc]
        monkeypatch.setenv("UNITSCOPE_CRASH_AT", "")
        PHASES[name](sit(campaign))
    return n_died


def _dies(act: Any) -> bool:
    """A response that is lost each time is given up after some rounds."""
    try:
        act()
    except Crashed:
        return True
    except Exception as error:
        if "unanswered" not in str(error):
            raise
        return True
    return False


def check_books(books: Books) -> None:
    assert [study["total_available_places"] for study in books.studies.values()] == [3, 2, 2, 2]
    assert {study["status"] for study in books.studies.values()} == {"AWAITING REVIEW"}
    states = sorted(row["status"] for row in books.submissions.values())
    assert states == ["APPROVED", "APPROVED", "REJECTED"]
    assert len(books.paid) <= 1


def test_a_campaign_at_prolific_from_study_to_bonus(
    books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(books, campaign, monkeypatch)
    check_books(books)
    slow = Assignment.objects.get(active_seconds__gt=800)
    assert books.paid == [(slow.external_id, 210)], "$12 an hour for 900 s, less the reward of $0.90"
    assert not OutwardAct.objects.exclude(state="done").exists()
    assert Worker.objects.filter(marketplace="prolific", is_simulated=False).count() == 3
    study = next(iter(books.studies.values()))
    assert study["reward"] == 90
    assert study["completion_codes"][0]["actions"] == [{"action": "MANUALLY_REVIEW"}]
    assert "PROLIFIC_PID={{%PROLIFIC_PID%}}" in study["external_study_url"]
    assert len({one["completion_codes"][0]["code"] for one in books.studies.values()}) == 4


@pytest.mark.parametrize("manner", CRASHES)
def test_no_crash_does_anything_twice_and_an_unknown_bonus_waits_for_a_person(
    books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    n_points = len(CRASHES[manner]) * sum(len(VERBS[name]) for name in LIFE)
    n_died = live(books, campaign, monkeypatch, manner)
    # A lost response is found out in the same run; a payment that waits for a person is not died at again.
    assert manner == "lose" or n_died >= n_points - 3
    check_books(books)
    waiting = OutwardAct.objects.exclude(state="done").get()
    assert (waiting.verb, waiting.state) == ("pay_bonus", "needs_human")
    assert "never sent again by itself" in waiting.problem


@pytest.mark.slow
@pytest.mark.parametrize(("point", "n_paid"), [("after claim", 0), ("after call", 1)])
def test_no_kill_does_anything_twice(
    books: Books, campaign: Campaign, actors: Callable[[acting.Order], int], settings: Any, point: str, n_paid: int
) -> None:
    """As above, by kill -9 of the process that acts; the stand-in lives on. `point`: where it dies as it pays."""
    values = {name: getattr(settings, name) for name in ("PROLIFIC_URL", "PROLIFIC_TOKEN", "REAL_MONEY_ALLOWED")}
    n_killed = 0
    for phase in LIFE:
        if phase == "reject":
            meet_people(books, campaign)
        for verb, at in [(verb, at) for verb in VERBS[phase] for at in CRASH_POINTS] + [("", "")]:
            crash = f"kill:{point if verb == 'pay_bonus' else at}:{verb}" if verb else ""
            order = acting.Order(crash=crash, name=campaign.name, phase=phase, settings=values)
            # The killed process may still hold the campaign.
            ends = (actors(order) for _ in range(30))
            end = next((one for one in ends if one != acting.UNANSWERED), acting.UNANSWERED)
            assert end in (-signal.SIGKILL, acting.DONE), (crash, end)
            n_killed += end != acting.DONE
    assert n_killed >= 21, "four points each of six acts, but for those that were found done; one of the payment"
    check_books(books)
    assert len(books.paid) == n_paid
    waiting = OutwardAct.objects.exclude(state="done").get()
    assert (waiting.verb, waiting.state) == ("pay_bonus", "needs_human")


def test_prolific_is_told_the_time_that_people_took(books: Books, campaign: Campaign) -> None:
    """The study's estimate is the quote's, which learns from the people before; minutes are rounded up."""
    assert campaign.quote["time_from"] == ""
    measured = campaign.quote | {"seconds_per_assignment": 241}
    Campaign.objects.filter(pk=campaign.pk).update(quote=measured)
    publish_campaign(sit(campaign))
    assert {study["estimated_completion_time"] for study in books.studies.values()} == {5}


def test_who_is_not_at_prolific_does_not_get_to_work(books: Books, campaign: Campaign, settings: Any) -> None:
    publish_campaign(sit(campaign))
    first, second = campaign.hits.order_by("id")[:2]
    ada = Participant(books, 1)
    page = ada.open(first.external_id)
    assert read_config(page)["page"] == "work"
    assert "form-action https://app.prolific.com;" in page["Content-Security-Policy"]
    stranger = Client()
    assert stranger.get(ada.path.replace(ada.id, f"{'0' * 23}1")).status_code == 404
    assert stranger.get(ada.path.replace(ada.assignment_id, prolific_stub.make_id())).status_code == 404
    assert stranger.get(ada.path.replace(str(first.public_id), str(second.public_id))).status_code == 404
    assert read_config(stranger.get(f"/hit/{first.public_id}/"))["page"] == "preview"
    books.submissions[ada.assignment_id]["status"] = "RETURNED"
    assert stranger.get(ada.path).status_code == 410
    settings.PROLIFIC_URL = "http://127.0.0.1:9"
    answer = stranger.get(ada.path)
    assert (answer.status_code, "reload in a minute" in answer.content.decode()) == (503, True)


def test_what_prolific_refuses_is_said_in_words(
    books: Books, campaign: Campaign, dissection: Dissection, settings: Any
) -> None:
    books.currency = "GBP"
    with pytest.raises(CannotPublish, match="pays in GBP"):
        publish_campaign(sit(campaign))
    books.currency = "USD"
    poor = make_campaign(dissection, name="poor", marketplace="prolific", n_assignments=1, reward_usd=Decimal("0.05"))
    with pytest.raises(CannotPublish, match="below the minimum"):
        publish_campaign(sit(poor))
    assert not any(study["status"] == "ACTIVE" for study in books.studies.values())
    settings.REAL_MONEY_ALLOWED = False
    with pytest.raises(RealMoneyRefused):
        publish_campaign(sit(poor))
    settings.PROLIFIC_TOKEN = ""
    with pytest.raises(NoCredentials, match="PROLIFIC_TOKEN"):
        Prolific().check_credentials()
