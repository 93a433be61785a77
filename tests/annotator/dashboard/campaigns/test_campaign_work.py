"""A campaign run to its end by the dashboard's buttons alone, against the real marketplace."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.models import HIT, Assignment, Campaign, Compensation, Rejection
from annotator.crowd.outbox.session import Session
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.units.models import AutomaticLabel
from annotator.work import tasks
from annotator.work.models import Job
from annotator.work.performing import perform
from annotator.work.step import Work
from annotator.work.steps.judging import ChosenOptions
from annotator.work.table import STEPS
from tests.annotator.crowd.fixtures import Market, market
from tests.annotator.crowd.making import make_campaign, make_dissection
from tests.annotator.dashboard.making import make_person

__all__ = ["market"]
Press = Callable[..., str]


@pytest.fixture
def campaign(market: Market, tmp_path: Path) -> Campaign:
    dissection = make_dissection(tmp_path, n_units=2)
    AutomaticLabel.objects.update(label="lamp")
    return make_campaign(dissection, n_assignments=2, max_assignments=3)


@pytest.fixture
def press(campaign: Campaign, monkeypatch: pytest.MonkeyPatch, client: Client) -> Press:
    """Presses a button of the campaign's page; the web queue's work is done within the request. Its last word."""

    def work_now(name: str, args: list[Any], queue: str) -> None:
        assert (name, queue) == (tasks.run.name, "web")
        tasks.run(*args)

    monkeypatch.setattr("workers.app.app.send_task", work_now)
    client.force_login(make_person(Role.PAYER, "petra"))

    def press_it(kind: str) -> str:
        assert client.post(f"/campaigns/try/work/{kind}/", {"yes": "on"}).status_code == 302
        job = Job.objects.filter(step=kind).latest("pk")
        return f"{job.state}: {job.sentence}"

    return press_it


def test_an_answer_that_is_approved_meanwhile_keeps_no_other_from_it(
    market: Market, campaign: Campaign, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    press("publish")
    for name in ("ann", "bob"):
        market.work(campaign.hits.earliest("id"), name)
    press("collect")
    chosen = list(Assignment.objects.order_by("pk").values_list("pk", flat=True))
    open_session = Work.open_session

    def approve_first(work: Work) -> Session:
        """Another person, after the chosen answers are read."""
        Assignment.objects.filter(pk=chosen[0]).update(state="approved")
        return open_session(work)

    monkeypatch.setattr(Work, "open_session", approve_first)
    job = perform(STEPS["approve-chosen"], subject=campaign, actor=None, options=ChosenOptions(answers=tuple(chosen)))
    assert job.sentence == "1 answer approved. 1 did not wait for it any more."


def test_from_publishing_to_closing(market: Market, campaign: Campaign, press: Press, settings: Any) -> None:
    assert press("publish") == f"done: Published 2 HITs. People find them at {settings.SANDBOX_URL}/worker/"
    first, second = campaign.hits.order_by("id")
    market.work(first, "ann", active_seconds=600.0)
    market.work(first, "bob", description="tree", category="scene")
    market.work(second, "ann")
    assert press("collect") == "done: 3 of 4 assignments submitted, 3 new."
    assert press("approve").endswith("3 approved now.")
    # Ten minutes for $0.50 is $3 an hour, and the floor $12: one bonus of $1.50.
    assert press("top-up") == "done: 1 bonus paid, up to $12.00 per hour of active time."
    assert press("label").startswith("done: 2 units labeled from 3 answers;")
    assert press("compare") == "done: 2 units compared."
    assert press("extend").startswith("done: 1 in doubt. 5 assignments asked for so far")
    first.refresh_from_db()
    assert (first.n_assignments, first.state) == (3, HIT.State.PUBLISHED)
    # Who marks two crops has left the planted negatives unmarked, but nobody is judged by two HITs.
    assert press("leave-out") == "done: No answer is suspected."
    assert press("close").startswith("refused: HITs are still open")
    SandboxHIT.objects.filter(mturk_id=second.external_id).update(status="Disposed")
    assert press("withdraw").startswith("refused: The marketplace has not withdrawn")
    SandboxHIT.objects.filter(mturk_id=second.external_id).update(status="Reviewable")
    assert press("withdraw").startswith("done: 1 HIT withdrawn")
    campaign.refresh_from_db()
    assert campaign.is_paused
    assert press("close") == "done: Closed."
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.CLOSED
    assert {"publish", "top-up", "withdraw", "close"} <= set(AuditEntry.objects.values_list("action", flat=True))


def test_work_that_never_arrived_is_paid(market: Market, campaign: Campaign, press: Press) -> None:
    press("publish")
    visitor = market.accept(campaign.hits.earliest("id"), "ann")
    visitor.submit(visitor.start()["work_token"])
    Assignment.objects.update(stored_at=timezone.now() - timedelta(hours=1))
    assert press("compensate") == "done: 1 piece of work is compensated."
    assert Compensation.objects.get().decided_by == "petra"


@pytest.mark.parametrize("was_given_up", [False, True])
def test_a_rejection_is_overturned_and_the_work_paid(
    market: Market, campaign: Campaign, press: Press, was_given_up: bool
) -> None:
    """A person can have given it up, and the marketplace have made it all the same."""
    press("publish")
    market.work(campaign.hits.earliest("id"), "ann")
    press("collect")
    answer = Assignment.objects.get()
    decisions = [
        ("rita", "propose-rejection", "The planted negatives were all left unmarked."),
        ("sven", "confirm-rejection", ""),
        ("rita", "overturn-rejection", ""),
    ]
    clients = {name: Client() for name in ("rita", "sven")}
    for name, one in clients.items():
        one.force_login(make_person(Role.PAYER, name))
    states = []
    for name, decision, reason in decisions:
        page = clients[name].get("/campaigns/try/answers/").content.decode()
        assert f'value="{decision}"' in page
        data = {"decision": decision, "reason": reason}
        assert clients[name].post(f"/campaigns/try/answers/{answer.pk}/", data).status_code == 302
        answer.refresh_from_db()
        states.append(answer.state)
        if was_given_up and answer.state == "rejected":
            Rejection.objects.update(confirmed_by="", confirmed_at=None)
    assert states == ["submitted", "rejected", "approved"]
    assert "Overturned by rita" in clients["sven"].get("/campaigns/try/answers/").content.decode()


def test_what_needs_a_person_is_told(campaign: Campaign, client: Client) -> None:
    client.force_login(make_person(Role.VIEWER, "vera"))
    assert "Nothing needs a person." in client.get("/campaigns/try/attention").content.decode()
    Campaign.objects.update(problem="The marketplace does not answer.")
    assert "The marketplace does not answer." in client.get("/campaigns/try/attention").content.decode()


@pytest.mark.parametrize("form", [{}, {"budget": "much"}, {"budget": "900"}])
def test_who_may_not_raise_the_cap_is_told_so_whatever_the_form_says(
    campaign: Campaign, client: Client, form: dict[str, str]
) -> None:
    client.force_login(make_person(Role.REVIEWER, "rita"))
    refused = client.post("/campaigns/try/work/raise-cap/", form)
    assert (refused.status_code, "This takes the role payer" in refused.content.decode()) == (403, True)
    client.force_login(make_person(Role.PAYER, "petra"))
    assert client.post("/campaigns/try/work/raise-cap/", form).status_code == (
        302 if form == {"budget": "900"} else 422
    )
