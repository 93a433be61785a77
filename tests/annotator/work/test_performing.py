"""Each step is a row and each start a job: checked, run once, and told how it ended, in its row and the audit log."""

import re
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.judging.approving import CannotReview
from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.marketplaces.outcomes import OutcomeUnknown, RealMoneyRefused
from annotator.crowd.models import Assignment, Campaign, OutwardAct
from annotator.labels.labeling import NothingToLabel
from annotator.labels.models import UnitLabel
from annotator.work import performing, sending, tasks
from annotator.work.models import Job
from annotator.work.performing import CannotGoOn, RoleMissing, UnderWay, find_role, perform
from annotator.work.step import Step, Work
from annotator.work.steps import judging, labeling
from annotator.work.table import STEPS
from tests.annotator.dashboard.conftest import viewer, world
from tests.annotator.dashboard.making import World, make_person
from workers.app import app

__all__ = ["viewer", "world"]
Sent = list[list[Any]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The arguments of each message that was sent to the web queue."""
    kept: Sent = []
    monkeypatch.setattr(app, "send_task", lambda name, args, queue: kept.append([name, *args]))
    return kept


@pytest.fixture
def eve(world: World) -> User:
    return make_person(Role.RESEARCHER, "eve")


def entries() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "subject", "actor_name"))


def test_every_step_has_what_people_read() -> None:
    for step in STEPS.values():
        assert re.fullmatch(r"[a-z-]+", step.name)
        assert step.title, step.name
        assert step.sentence.endswith("."), step.name
        assert step.icon or step.is_quick or step.subject != "campaign", step.name


def test_work_done_says_what_was_done(world: World, sent: Sent, eve: User) -> None:
    # Who says "something else" of each unit is set aside.
    for name, sentence in (("label", "5 units labeled from 10 answers;"), ("compare", "5 units compared.")):
        job = sending.ask(STEPS[name], subject=world.campaign, actor=eve)
        assert sent.pop() == ["work.run", job.pk]
        tasks.run(job.pk)
        tasks.run(job.pk)  # a doubled message
        job.refresh_from_db()
        assert (job.state, job.sentence[: len(sentence)]) == ("done", sentence)
    assert entries() == [("label", "campaign try", "eve"), ("compare", "campaign try", "eve")]


def test_a_refused_act_does_not_claim_that_it_was_done(world: World) -> None:
    UnitLabel.objects.all().delete()
    Assignment.objects.all().delete()
    with pytest.raises(NothingToLabel):
        perform(STEPS["label"], subject=world.campaign, actor=None)
    job = Job.objects.get()
    assert (job.state, job.sentence) == ("refused", "Campaign try has no answers yet.")
    assert not AuditEntry.objects.exists()


def test_a_refused_act_that_did_a_part_says_so_under_another_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def do_a_part(work: Work) -> str:
        OutwardAct.objects.create(campaign=work.subject, verb="approve", key="k", created_at=timezone.now())
        raise NothingToLabel("The marketplace refused the rest.")

    monkeypatch.setitem(STEPS, "label", replace(STEPS["label"], run=do_a_part))
    with pytest.raises(NothingToLabel):
        perform(STEPS["label"], subject=world.campaign, actor=None)
    entry = AuditEntry.objects.get()
    assert entry.action == "label (refused)"
    assert entry.details == {"not done, refused": "The marketplace refused the rest."}


def test_an_answer_that_the_marketplace_did_not_approve_is_not_told_as_approved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Assignment.objects.filter(hit__campaign=world.campaign).earliest("pk")
    Assignment.objects.filter(pk=answer.pk).update(state="submitted")
    monkeypatch.setattr(judging, "approve_assignment", lambda session, assignment: None)
    monkeypatch.setattr(Work, "open_session", lambda work: None)
    with pytest.raises(CannotReview, match="has not done this"):
        perform(STEPS["approve-answer"], subject=answer, actor=None)
    assert not AuditEntry.objects.exists()
    assert Job.objects.get().sentence.startswith("The marketplace has not done this.")


def break_down(work: Any) -> str:
    Campaign.objects.update(problem="half done")
    raise ZeroDivisionError


@pytest.mark.parametrize("is_quick", [False, True])
def test_a_defect_is_told_as_one_and_raised(world: World, monkeypatch: pytest.MonkeyPatch, is_quick: bool) -> None:
    monkeypatch.setitem(STEPS, "label", replace(STEPS["label"], run=break_down, is_quick=is_quick))
    with pytest.raises(ZeroDivisionError):
        perform(STEPS["label"], subject=world.campaign, actor=None)
    job = Job.objects.get()
    assert job.state == "failed"
    assert "defect" in job.sentence
    world.campaign.refresh_from_db()
    assert bool(world.campaign.problem) is not is_quick  # a quick step is one transaction
    assert AuditEntry.objects.exists() is not is_quick


def test_a_silent_marketplace_leaves_its_sentence_on_the_campaign(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(work: Any) -> str:
        raise OutcomeUnknown("No answer came.")

    monkeypatch.setitem(STEPS, "publish", replace(STEPS["publish"], run=lose))
    with pytest.raises(CannotGoOn, match="tried again each minute"):
        perform(STEPS["publish"], subject=world.campaign, actor=None)
    world.campaign.refresh_from_db()
    assert world.campaign.problem == "No answer came."


def test_a_step_is_not_started_twice(world: World, sent: Sent, eve: User) -> None:
    sending.ask(STEPS["collect"], subject=world.campaign, actor=eve)
    with pytest.raises(UnderWay):
        sending.ask(STEPS["collect"], subject=world.campaign, actor=eve)
    assert len(sent) == 2  # the first may have been lost
    assert Job.objects.count() == 1
    sending.ask(STEPS["label"], subject=world.campaign, actor=eve)


def test_a_command_does_not_wait_for_a_queue_that_may_not_run(world: World, sent: Sent, eve: User) -> None:
    waiting = sending.ask(STEPS["label"], subject=world.campaign, actor=eve)
    assert perform(STEPS["label"], subject=world.campaign, actor=None).state == "done"
    tasks.run(waiting.pk)  # its message comes late
    waiting.refresh_from_db()
    assert (waiting.state, waiting.sentence) == ("lost", "A command did this instead.")


def test_a_lost_message_is_sent_again(world: World, sent: Sent, eve: User) -> None:
    job = sending.ask(STEPS["label"], subject=world.campaign, actor=eve)
    tasks.sweep()
    assert len(sent) == 1
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=2), sent_at=timezone.now() - timedelta(minutes=2))
    tasks.sweep()
    assert sent == [["work.run", job.pk]] * 2


@pytest.fixture
def another_process() -> Iterator[Any]:
    """A connection of its own, as another process has one."""
    other = connection.copy()
    yield other
    other.close()


def test_work_whose_process_has_ended_is_lost_and_may_be_started_again(
    world: World, sent: Sent, eve: User, another_process: Any
) -> None:
    job = sending.ask(STEPS["label"], subject=world.campaign, actor=eve)
    Job.objects.update(state="running")
    with another_process.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [performing._LOCK_SPACE, job.pk])
    tasks.sweep()
    job.refresh_from_db()
    assert job.state == "running"
    another_process.close()
    until = time.monotonic() + 60  # the server notices in its own time
    while job.state == "running" and time.monotonic() < until:
        tasks.sweep()
        job.refresh_from_db()
    assert (job.state, AuditEntry.objects.get().details) == (
        "lost",
        {"not done, lost": performing._LOST},
    )
    assert sending.ask(STEPS["label"], subject=world.campaign, actor=eve).pk != job.pk


def test_an_open_page_is_loaded_again_when_work_has_ended(world: World, viewer: Client, sent: Sent, eve: User) -> None:
    page = viewer.get("/campaigns/try/").content.decode()
    (polled,) = re.findall(r'hx-get="([^"]*/progress[^"]*)"', page)
    sending.ask(STEPS["label"], subject=world.campaign, actor=eve)
    for state, is_reloaded in (("waiting", False), ("running", False), ("done", True)):
        Job.objects.update(state=state)
        assert ("HX-Refresh" in viewer.get(polled)) == is_reloaded, state


# Of steps that cannot be asked for without any.
OPTIONS: dict[str, Any] = {"settle-payment": judging.SettleOptions(act=1, outcome="done")}
SPENDING = [name for name, step in STEPS.items() if step.spends]


def test_these_steps_spend() -> None:
    assert set(SPENDING) == {"publish", "top-up", "settle-payment", "compensate", "extend", "ask-all", "ask-more"}


@pytest.mark.parametrize("name", SPENDING)
def test_real_money_takes_a_payer_and_a_permit(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step: Step = replace(STEPS[name], run=lambda work: "Done.", check=lambda work: None)
    monkeypatch.setitem(STEPS, name, step)
    assert find_role(step, campaign=world.campaign) == step.role  # play money: the role of before
    Campaign.objects.update(marketplace="mturk")
    world.campaign.refresh_from_db()
    label = UnitLabel.objects.select_related("campaign").first()
    subject, options = world.campaign if step.subject == "campaign" else label, OPTIONS.get(name)
    permit = Permit(campaign="try", given_by="petra")
    for role in (Role.RESEARCHER, Role.REVIEWER):
        with pytest.raises(RoleMissing):
            perform(step, subject=subject, actor=make_person(role, role.value), options=options, permit=permit)
    for actor in (make_person(Role.PAYER, "petra"), None):
        with pytest.raises(RealMoneyRefused):
            perform(step, subject=subject, actor=actor, options=options)
    assert not Job.objects.exists()
    assert not AuditEntry.objects.exists()
    assert perform(step, subject=subject, actor=None, options=options, permit=permit).state == "done"


@pytest.mark.parametrize("is_permitted", [False, True])
def test_a_message_of_before_that_spends_real_money_is_refused_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any, is_permitted: bool
) -> None:
    settings.REAL_MONEY_ALLOWED = True
    Campaign.objects.update(marketplace="mturk")
    monkeypatch.setitem(STEPS, "top-up", replace(STEPS["top-up"], run=lambda work: pytest.fail("it was run")))
    make_person(Role.PAYER, "petra")
    tasks.run_older_message("try", "top-up", "petra", is_permitted=is_permitted)
    world.campaign.refresh_from_db()
    assert "press the button again" in world.campaign.problem
    job = Job.objects.get()
    assert (job.state, job.sentence) == ("refused", world.campaign.problem)


@pytest.mark.parametrize("name", SPENDING)
def test_a_queue_message_spends_no_real_money_without_payer_and_permit(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that somebody wrote, or one whose person has lost the role since."""
    step: Step = replace(STEPS[name], run=lambda work: pytest.fail("it was run"))
    monkeypatch.setitem(STEPS, name, step)
    Campaign.objects.update(marketplace="mturk")
    label = UnitLabel.objects.first()
    subject = world.campaign if step.subject == "campaign" else label
    people = {"petra": (make_person(Role.PAYER, "petra"), ""), "rita": (make_person(Role.REVIEWER, "rita"), "petra")}
    for actor, given_by in people.values():
        job = Job.objects.create(
            step=name, subject_kind=step.subject, subject_key=str(subject.pk), campaign=world.campaign, actor=actor,
            actor_name=actor.username, permit_given_by=given_by, created_at=timezone.now(),
            options=asdict(OPTIONS[name]) if name in OPTIONS else {},
        )  # fmt: skip
        tasks.run(job.pk)
        job.refresh_from_db()
        assert job.state == "refused", job.sentence


def test_asking_again_while_the_first_time_is_unanswered_asks_for_no_more(
    world: World, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit = world.campaign.hits.get(hit_units__unit__index=0)
    hit.external_id = "HIT0"
    hit.save()
    label, asked = UnitLabel.objects.select_related("campaign").get(unit__index=0), []

    def extend(session: Any, *, n_more: dict[int, int]) -> None:
        asked.append(n_more)

    monkeypatch.setattr(labeling, "extend_hits", extend)
    monkeypatch.setattr(Work, "open_session", lambda work: None)
    people = make_person(Role.REVIEWER, "rita")
    first = sending.ask(STEPS["ask-more"], subject=label, actor=people)
    tasks.run(first.pk)  # unanswered: the marketplace has it, and nobody knows
    second = sending.ask(STEPS["ask-more"], subject=label, actor=people)
    hit.n_assignments += 2  # the answer came meanwhile
    hit.save()
    tasks.run(second.pk)
    second.refresh_from_db()
    assert second.state == "done"
    assert asked == [{hit.pk: 2}]


def test_messages_of_the_release_before_are_understood(world: World, eve: User) -> None:
    tasks.run_older_message("try", "label", "eve")
    assert Job.objects.get().state == "done"
    assert tasks.run_older_message.name == "dashboard.work"


def test_a_lost_erasure_whose_secret_was_not_kept_is_marked_and_stops_nothing(world: World, eve: User) -> None:
    erasure = Job.objects.create(
        step="erase-worker", subject_kind="marketplace", subject_key="own", state="running", created_at=timezone.now()
    )
    tasks.sweep()
    erasure.refresh_from_db()
    assert erasure.state == "lost"
