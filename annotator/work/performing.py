"""Performs a step: checks the role, the money and double starts; runs it; keeps how it ended in the job's row and in
the audit log, under the step's name.

A job is waiting, then running, then done, refused, failed or lost. Whoever runs a job holds the job's advisory lock in
the database, which ends with the connection: a running job whose lock is free was lost with its process.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.accounts.roles import MIN_ROLE, Permission, may, role_of
from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.marketplaces.outcomes import OutcomeUnknown, RealMoneyRefused
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign, OutwardAct
from annotator.refusals import Refusal
from annotator.work.models import Job
from annotator.work.options import fill_options, write_options
from annotator.work.step import Step, Tell, Work, tell_nobody
from annotator.work.subjects import SUBJECTS, Subject
from annotator.work.table import STEPS

_LOCK_SPACE = 0x0B0B
_DEFECT = "The work ended by a defect; the log of its process holds the details."
_LOST = "Its process ended before the work did. What was begun goes on; start it again if something is missing."


class RoleMissing(Refusal):
    """The person's role does not reach for this step."""


class UnderWay(Refusal):
    """The same step of the same subject has not ended yet."""


class Gone(Refusal):
    """The subject of a job that waited was deleted."""


class CannotGoOn(Refusal):
    """The marketplace did not answer; started again, the step goes on where it was."""


def perform(
    step: Step,
    *,
    subject: Any,
    actor: User | None,
    options: Any = None,
    permit: Permit | None = None,
    tell: Tell = tell_nobody,
) -> Job:
    """Performs the step here and now. `actor` None: a command; who has a shell may do everything.

    Raises RoleMissing, RealMoneyRefused, UnderWay and the step's own refusals; the latter are kept in the job's row.
    """
    work = prepare(step, subject=subject, actor=actor, options=options, permit=permit, tell=tell)
    if actor is None:  # a command need not wait for a queue that may not run
        waiting = Job.objects.filter(step=step.name, subject_key=SUBJECTS[step.subject].key(subject))
        waiting.filter(state=Job.State.WAITING).update(state=Job.State.LOST, sentence="A command did this instead.")
    job = write_job(step, work=work)
    run_job(job, work=work)
    return job


def prepare(
    step: Step, *, subject: Any, actor: User | None, options: Any, permit: Permit | None, tell: Tell = tell_nobody
) -> Work:
    """The step's work, after all that can be refused before it. Raises what `perform` raises, but for UnderWay."""
    campaign = SUBJECTS[step.subject].campaign(subject)
    _check_right(step, campaign=campaign, actor=actor, permit=permit)
    if options is None and step.options is not None:
        options = step.options()
    now = timezone.now()
    work = Work(subject=subject, campaign=campaign, actor=actor, now=now, options=options, permit=permit, tell=tell)
    step.check(work)
    return replace(work, options=step.fix_options(work))


def _check_right(step: Step, *, campaign: Campaign | None, actor: User | None, permit: Permit | None) -> None:
    """Raises RoleMissing or RealMoneyRefused."""
    check_role(step, campaign=campaign, actor=actor)
    if step.spends and is_real_money(campaign) and permit is None:
        raise RealMoneyRefused(f"{step.title}: this spends real money and takes its three confirmations.")


def check_role(step: Step, *, campaign: Campaign | None, actor: User | None) -> None:
    """Raises RoleMissing."""
    role = find_role(step, campaign=campaign)
    if actor is not None and not may(role_of(actor), role):
        raise RoleMissing(f"This takes the role {role.value} or one above it.")


def find_role(step: Step, *, campaign: Campaign | None) -> Role:
    """The step's own role; whatever spends real money takes a payer at least."""
    payer = MIN_ROLE[Permission.PUBLISH_WITH_REAL_MONEY]
    return payer if step.spends and is_real_money(campaign) and may(payer, step.role) else step.role


def is_real_money(campaign: Campaign | None) -> bool:
    if campaign is None or campaign.is_imported:
        return False
    return open_marketplace(campaign.marketplace).facts.is_real_money


def write_job(step: Step, *, work: Work) -> Job:
    """A waiting job. Raises UnderWay if the same step of the same subject waits or runs."""
    key = SUBJECTS[step.subject].key(work.subject)
    for running in Job.objects.filter(step=step.name, subject_key=key, state=Job.State.RUNNING):
        note_if_lost(running)
    try:
        with transaction.atomic():
            return Job.objects.create(
                step=step.name,
                subject_kind=step.subject,
                subject_key=key,
                campaign=work.campaign,
                options=write_options(work.options),
                actor=work.actor,
                actor_name=work.by,
                permit_given_by=work.permit.given_by if work.permit else "",
                created_at=work.now,
            )
    except IntegrityError:
        raise UnderWay(f"{step.title}: this is under way already.") from None


def run_job(job: Job, *, work: Work | None = None) -> None:
    """Runs a waiting job, once whoever else tries. Raises the step's refusals, kept in the row, and defects.

    work: the caller's own; None: a job that came by the queue, with all that it needs in its row.
    """
    with _hold(job) as is_ours:
        if not (is_ours and Job.objects.filter(pk=job.pk, state=Job.State.WAITING).update(state=Job.State.RUNNING)):
            return
        try:
            if work is None:
                work = _restore(job)  # and since it was asked for, a role may have been taken away
                _check_right(STEPS[job.step], campaign=work.campaign, actor=work.actor, permit=work.permit)
            _run(STEPS[job.step], work, job)
        except OutcomeUnknown as error:
            if job.campaign is not None:
                Campaign.objects.filter(pk=job.campaign.pk).update(problem=str(error))
            refusal = CannotGoOn(f"{error} It is tried again each minute; start it again only if it stays undone.")
            _end(job, state=Job.State.REFUSED, sentence=str(refusal), work=work)
            raise refusal from error
        except Refusal as refusal:
            _end(job, state=Job.State.REFUSED, sentence=str(refusal), work=work)
            raise
        except Exception:
            _end(job, state=Job.State.FAILED, sentence=_DEFECT, work=work)
            raise
        except BaseException:
            _end(job, state=Job.State.LOST, sentence=_LOST, work=work)
            raise


def note_refusal(step: Step, *, subject: Any, actor: User, sentence: str) -> None:
    """A job's row for what was refused before its start, where nobody waits to be told."""
    kind = SUBJECTS[step.subject]
    now = timezone.now()
    Job.objects.create(
        step=step.name,
        subject_kind=step.subject,
        subject_key=kind.key(subject),
        campaign=kind.campaign(subject),
        actor=actor,
        actor_name=actor.get_username(),
        state=Job.State.REFUSED,
        sentence=sentence,
        created_at=now,
        ended_at=now,
    )


def note_if_lost(job: Job) -> None:
    """Marks a running job as lost if nobody holds its lock."""
    with _hold(job) as is_ours:
        if is_ours and Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).exists():
            work = None
            with contextlib.suppress(Gone, TypeError):  # subject deleted, or an option was secret
                work = _restore(job)
            _end(job, state=Job.State.LOST, sentence=_LOST, work=work)


def list_jobs(campaign: Campaign, *, since: datetime) -> list[Job]:
    """The last job of each step that takes a while, newest first."""
    slow = [step.name for step in STEPS.values() if not step.is_quick]
    last = Job.objects.filter(campaign=campaign, step__in=slow, created_at__gte=since).order_by("step", "-id")
    return sorted(last.distinct("step"), key=lambda job: -job.pk)


def _restore(job: Job) -> Work:
    """Raises Gone."""
    step, kind = STEPS[job.step], SUBJECTS[STEPS[job.step].subject]
    try:
        subject = kind.find(job.subject_key)
    except ObjectDoesNotExist:
        raise Gone("What this is about was deleted meanwhile.") from None
    return Work(
        subject=subject,
        campaign=kind.campaign(subject),
        actor=job.actor,
        now=timezone.now(),
        asked_at=job.created_at,
        options=fill_options(step.options, job.options),
        permit=Permit(campaign=str(job.campaign), given_by=job.permit_given_by) if job.permit_given_by else None,
    )


def _run(step: Step, work: Work, job: Job) -> None:
    """A quick step and its entry in the audit log: both or neither. The others commit as they go. Raises Gone."""
    try:
        with transaction.atomic() if step.is_quick else contextlib.nullcontext():
            sentence = step.run(work)
            _end(job, state=Job.State.DONE, sentence=sentence, work=work)
    except ObjectDoesNotExist:
        _restore(job)  # raises Gone if somebody else deleted the subject since the work began
        raise


def _end(job: Job, *, state: Job.State, sentence: str, work: Work | None) -> None:
    """The job's last word and its entry in the audit log."""
    job.state, job.sentence, job.ended_at = state, sentence, timezone.now()
    with transaction.atomic():
        if work is not None:
            job.campaign = _find_campaign(work.subject, SUBJECTS[STEPS[job.step].subject])
        job.save(update_fields=["state", "sentence", "ended_at", "campaign"])
        if work is not None:
            _write_entry(job, work, state=state)


def _write_entry(job: Job, work: Work, *, state: Job.State) -> None:
    """Under the step's own name stands only what was done. A refused step that did nothing leaves no entry; one that
    may have done a part of its work leaves one that says so.
    """
    step, kind = STEPS[job.step], SUBJECTS[STEPS[job.step].subject]
    is_done = state == Job.State.DONE
    if not is_done and (step.is_quick or (state == Job.State.REFUSED and not _acted(work))):
        return
    outcome = {"outcome" if is_done else f"not done, {state.value}": job.sentence}
    write_audit_entry(
        actor=job.actor,
        action=step.name if is_done else f"{step.name} ({state.value})",
        subject=kind.audit_name(work.subject),
        details={**kind.details(work.subject), **job.options, **work.details, **outcome},
        now=job.ended_at or work.now,
    )


def _acted(work: Work) -> bool:
    """True if acts at the marketplace were decided, sent or settled since the work began."""
    since = Q(created_at__gte=work.now) | Q(sent_at__gte=work.now) | Q(done_at__gte=work.now)
    return OutwardAct.objects.filter(since, campaign=work.campaign).exists()


def _find_campaign(subject: Any, kind: Subject) -> Campaign | None:
    """None also if the step has deleted it."""
    campaign = kind.campaign(subject)
    return Campaign.objects.filter(pk=campaign.pk).first() if campaign is not None else None


@contextlib.contextmanager
def _hold(job: Job) -> Iterator[bool]:
    """False if another process holds the job."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, job.pk])
        is_ours = bool(cursor.fetchone()[0])
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, job.pk])
