"""Prolific against a stand-in of its documented endpoints: a whole campaign, every crash point, no bonus paid twice."""

import json
import signal
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from annotator.accounts.models import Role
from annotator.crowd.campaigns.collecting import collect_campaign, find_unsubmitted
from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.campaigns.publishing import CannotPublish, publish_campaign, withdraw_campaign
from annotator.crowd.judging.approving import CannotReview, approve_assignments, pay_top_ups
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.judging.compensating import CannotCompensate, compensate
from annotator.crowd.judging.rejecting import confirm_rejection, propose_rejection
from annotator.crowd.judging.settling import settle_by_hand
from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.marketplaces.outcomes import MarketplaceSilent, NoCredentials, RealMoneyRefused
from annotator.crowd.marketplaces.prolific.adapter import Prolific
from annotator.crowd.models import Assignment, Campaign, OutwardAct, Rejection, Worker
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.outbox.crash_points import Crashed
from annotator.crowd.outbox.session import Session, open_session
from annotator.crowd.pseudonyms import erase_worker
from annotator.units.models import Dissection
from annotator.work.models import Job
from tests.annotator.crowd import acting
from tests.annotator.crowd.fixtures import let_pass, read_config
from tests.annotator.crowd.making import make_campaign
from tests.annotator.dashboard.making import sign_in
from tools import prolific_stub
from tools.prolific_stub import Books

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "The same stock phrase stands on each of twenty HITs."


@pytest.fixture
def books(settings: Any) -> Iterator[Books]:
    books = Books()
    with prolific_stub.serve(books) as address:
        settings.PROLIFIC_URL, settings.PROLIFIC_TOKEN = address, prolific_stub.TOKEN
        settings.REAL_MONEY_ALLOWED = True
        yield books


@pytest.fixture
def campaign(books: Books, dissection: Dissection) -> Campaign:
    return make_campaign(dissection, marketplace="prolific", n_assignments=2, reward_usd=Decimal("0.90"))


def sit(campaign: Campaign) -> Session:
    """A session with the permit of real money, which does not wait between rounds."""
    fresh = Campaign.objects.get(pk=campaign.pk)
    return open_session(fresh, permit=Permit(campaign.name, "pia"), pause=lambda seconds: None)


class Participant:
    """Somebody at Prolific, who opens a study and comes back with the code that our page gives them."""

    def __init__(self, books: Books, number: int) -> None:
        self.books, self.client = books, Client()
        self.id = f"{prolific_stub.make_id()[:20]}{number:04x}"

    def open(self, study_id: str) -> Any:
        address = self.books.take(study_id, self.id)
        assert address is not None
        self.assignment_id = parse_qs(urlsplit(address).query)["SESSION_ID"][0]
        self.path = f"{urlsplit(address).path}?{urlsplit(address).query}"
        return self.client.get(self.path)

    def work(self, study_id: str, *, seconds: float = 61.0, comes_back: bool = True) -> None:
        config = read_config(self.open(study_id))
        begun = self._post(config["urls"]["start"], {"token": config["token"], "consent": True})
        let_pass(self, seconds=seconds)  # type: ignore[arg-type]  it asks for an assignment_id alone
        taken = datetime.now(UTC) - timedelta(seconds=seconds)
        self.books.submissions[self.assignment_id]["started_at"] = taken.isoformat()
        answer = {"description": "lamp", "category": "object", "marked": [1], "active_seconds": seconds}
        stored = self._post(
            config["urls"]["submit"], {"work_token": begun["work_token"], "client_id": str(uuid.uuid4()), **answer}
        )
        assert (stored["submit_to"], stored["method"]) == ("https://app.prolific.com/submissions/complete", "get")
        assert list(stored["fields"]) == ["cc"]
        if comes_back:
            assert self.books.complete(self.assignment_id, stored["fields"]["cc"]), "the code is the study's"

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.post(path, json.dumps(body), "application/json").json())


def publish(session: Session) -> None:
    publish_campaign(session)
    first = session.campaign.hits.earliest("id")
    if first.n_assignments == 2:
        extend_hits(session, n_more={first.pk: 1})


def reject(session: Session) -> None:
    for rejection in Rejection.objects.filter(confirmed_at=None):
        confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    with session.hold():
        session.settle()


def meet_people(books: Books, campaign: Campaign) -> None:
    """Three answers to two studies: one is to be rejected, one is so slow that a bonus is due."""
    first, second = campaign.hits.order_by("id")[:2]
    for number, (hit, seconds) in enumerate([(first, 61.0), (first, 900.0), (second, 61.0)]):
        Participant(books, number).work(hit.external_id, seconds=seconds)
    collect_campaign(sit(campaign))
    propose_rejection(
        assignment=Assignment.objects.earliest("id"),
        reason=REASON, evidence={"n": 20}, proposed_by="ada", now=sit(campaign).clock(),
    )  # fmt: skip


PHASES = [
    (publish, ["register", "publish", "extend"]),
    (reject, ["reject"]),
    (lambda session: approve_assignments(session), ["approve"]),
    (lambda session: pay_top_ups(session, with_slow=True), ["pay_bonus"]),
    (lambda session: withdraw_campaign(session), ["stop"]),
]
KILLED = {
    "publish": ["register", "publish", "extend"],
    "reject": ["reject"],
    "approve": ["approve"],
    "top_up": ["pay_bonus"],
    "withdraw": ["stop"],
}
CRASHES = {"raise": ("after decision", "after claim", "after call", "after record"), "lose": ("after call",)}


def live(books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, manner: str = "") -> int:
    """The campaign's life; each phase first dies at the crash points of its acts. How often it died."""
    n_died = 0
    for number, (phase, verbs) in enumerate(PHASES):
        if number == 1:
            meet_people(books, campaign)
        for crash in [f"{manner}:{point}:{verb}" for verb in verbs for point in CRASHES.get(manner, ())]:
            monkeypatch.setenv("UNITSCOPE_CRASH_AT", crash)
            n_died += _dies(lambda phase=phase: phase(sit(campaign)))  # type: ignore[misc]
        monkeypatch.setenv("UNITSCOPE_CRASH_AT", "")
        phase(sit(campaign))
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
    n_points = len(CRASHES[manner]) * sum(len(verbs) for _, verbs in PHASES)
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
    for phase, verbs in KILLED.items():
        if phase == "reject":
            meet_people(books, campaign)
        for verb, at in [(verb, at) for verb in verbs for at in CRASHES["raise"]] + [("", "")]:
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


def test_a_lost_answer_to_a_payment_is_settled_by_a_person(
    books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.lose.append("pay/$")
    books.throttle.append("pay/$")  # it takes nothing, says so, and is asked again
    with pytest.raises(MarketplaceSilent):
        pay_top_ups(sit(campaign), with_slow=True)
    for _ in range(3):
        pay_top_ups(sit(campaign), with_slow=True)
    act = OutwardAct.objects.get(verb="pay_bonus")
    assert act.state == "needs_human"
    assert len(books.paid) == 1, "it was paid, and nobody was told"
    assert "$2.10" in act.problem
    settle_by_hand(sit(campaign), act_id=act.pk, outcome="done")
    act.refresh_from_db()
    assert act.state == "done"
    assert len(books.paid) == 1
    with pytest.raises(CannotReview, match="does not wait for a person"):
        settle_by_hand(sit(campaign), act_id=act.pk, outcome="not-done")


def test_a_payment_that_was_not_done_is_sent_once_more_or_given_up(books: Books, campaign: Campaign) -> None:
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.throttle += ["pay/$"] * 4
    pay_top_ups(sit(campaign), with_slow=True)
    act = OutwardAct.objects.get(verb="pay_bonus")
    books.throttle += ["pay/$"] * 4
    for n_paid, state in ((0, "needs_human"), (1, "done")):
        assert settle_by_hand(sit(campaign), act_id=act.pk, outcome="not-done").state == state
        assert len(books.paid) == n_paid
    committed = Campaign.objects.get(pk=campaign.pk).committed_usd
    OutwardAct.objects.filter(pk=act.pk).update(state="needs_human")
    settle_by_hand(sit(campaign), act_id=act.pk, outcome="given-up")
    act.refresh_from_db()
    assert act.state == "failed"
    assert Campaign.objects.get(pk=campaign.pk).committed_usd == committed - act.cost_usd


def test_stored_work_whose_place_is_over_is_paid_once_by_a_bonus(
    books: Books, campaign: Campaign, settings: Any
) -> None:
    publish_campaign(sit(campaign))
    ada = Participant(books, 1)
    ada.work(campaign.hits.earliest("id").external_id, comes_back=False)
    stored, place = Assignment.objects.get(), books.submissions[ada.assignment_id]
    for status, problem in (("ACTIVE", "can still be submitted"), ("RETURNED", "was returned")):
        place["status"] = status
        with pytest.raises(CannotCompensate, match=problem):
            compensate(sit(campaign), assignment=stored, decided_by="bob")
    place["status"] = "TIMED-OUT"
    books.submissions.clear()
    with pytest.raises(CannotCompensate, match="Prolific 404: Not found"):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    books.submissions[ada.assignment_id] = place
    settings.PROLIFIC_TOKEN = "another"
    with pytest.raises(CannotCompensate, match="Invalid token"):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    settings.PROLIFIC_TOKEN = prolific_stub.TOKEN
    books.lose.append("pay/$")
    with pytest.raises(MarketplaceSilent):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    for _ in range(2):
        with pytest.raises(CannotCompensate, match="never sent again by itself"):
            compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert books.paid == [(stored.external_id, 90)]
    settle_by_hand(sit(campaign), act_id=OutwardAct.objects.get(verb="pay_bonus").pk, outcome="done")
    compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert len(books.paid) == 1
    OutwardAct.objects.filter(verb="pay_bonus").update(state="needs_human")
    settle_by_hand(sit(campaign), act_id=OutwardAct.objects.get(verb="pay_bonus").pk, outcome="given-up")
    with pytest.raises(CannotCompensate, match="Given up by a person"):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert len(books.paid) == 1, "it may have been paid, so it is never sent again"


def test_a_refused_compensation_is_a_need_until_it_is_paid(books: Books, campaign: Campaign) -> None:
    publish_campaign(sit(campaign))
    ada = Participant(books, 1)
    ada.work(campaign.hits.earliest("id").external_id, comes_back=False)
    books.submissions[ada.assignment_id]["status"] = "TIMED-OUT"
    stored, later = Assignment.objects.get(), sit(campaign).clock() + timedelta(hours=1)
    before, cap = Campaign.objects.get().committed_usd, campaign.budget_cap_usd

    def find_needs() -> list[str]:
        return [need.kind for need in find_attention(campaign=campaign, now=later)]

    Campaign.objects.update(budget_cap_usd=before)
    with pytest.raises(BudgetExceeded):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert find_needs() == ["unsubmitted"]
    Campaign.objects.update(budget_cap_usd=cap)
    books.balance_cents = 0
    for _ in range(2):
        with pytest.raises(CannotCompensate, match="enough balance"):
            compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert find_needs() == ["failed", "unsubmitted"]
    assert (Campaign.objects.get().committed_usd, books.paid) == (before, [])
    Campaign.objects.update(budget_cap_usd=before)
    with pytest.raises(BudgetExceeded):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert OutwardAct.objects.get(verb="pay_bonus").state == "failed"
    Campaign.objects.update(budget_cap_usd=cap)
    books.balance_cents = 1000
    for _ in range(2):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert books.paid == [(stored.external_id, 90)]
    paid = OutwardAct.objects.get(verb="pay_bonus")
    assert (paid.state, Campaign.objects.get().committed_usd) == ("done", before + paid.cost_usd)
    assert (find_needs(), list(find_unsubmitted(campaign=campaign, now=later))) == ([], [])
    assert erase_worker(marketplace="prolific", worker_id=ada.id) == 1


def test_a_refused_top_up_is_paid_at_the_next_run(books: Books, campaign: Campaign) -> None:
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.balance_cents = 0
    assert pay_top_ups(sit(campaign), with_slow=True).n_paid == 0
    assert OutwardAct.objects.get(verb="pay_bonus").state == "failed"
    books.balance_cents = 1000
    assert [pay_top_ups(sit(campaign), with_slow=True).n_paid for _ in range(2)] == [1, 0]
    assert len(books.paid) == 1


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


def test_the_campaigns_page_offers_to_settle_what_only_a_person_can_know(
    books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.app.app.send_task", lambda *args, **options: None)
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.lose.append("pay/$")
    with pytest.raises(MarketplaceSilent):
        pay_top_ups(sit(campaign), with_slow=True)
    pay_top_ups(sit(campaign), with_slow=True)
    act = campaign.outward_acts.get(state="needs_human")
    address = f"/campaigns/{campaign.name}/attention"
    assert 'value="given-up"' not in sign_in(Role.VIEWER).get(address).content.decode()
    payer = sign_in(Role.PAYER)
    assert f'name="act" value="{act.pk}"' in payer.get(address).content.decode()
    sent = {"act": act.pk, "outcome": "done", "real_money": "on", "typed_name": campaign.name}
    assert payer.post(f"/campaigns/{campaign.name}/work/settle-payment/", sent).status_code == 302
    assert Job.objects.get(step="settle-payment").options == {"act": act.pk, "outcome": "done"}
