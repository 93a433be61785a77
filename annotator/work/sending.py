"""Jobs sent to the web queue, and sent again if their message was lost."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from annotator.crowd.marketplaces.guard import Permit
from annotator.work.models import Job
from annotator.work.performing import UnderWay, note_if_lost, perform, prepare, write_job
from annotator.work.step import Step
from annotator.work.subjects import SUBJECTS
from annotator.work.table import STEPS
from workers.valkey import send_task

# A message that nobody has taken for so long is sent again; a doubled one does no harm, as a job runs once.
RESEND_AFTER = timedelta(seconds=60)
QUEUE_SILENT = "The queue does not answer now. The work is kept and begins when it does."


def ask(step: Step, *, subject: Any, actor: User, options: Any = None, permit: Permit | None = None) -> Job:
    """What a button does: a quick step is performed at once, another one is sent to the web queue.

    Raises what `perform` raises; for the web queue, only what is refused before the work.
    """
    if step.is_quick:
        return perform(step, subject=subject, actor=actor, options=options, permit=permit)
    work = prepare(step, subject=subject, actor=actor, options=options, permit=permit)
    try:
        job = write_job(step, work=work)
    except UnderWay as under_way:
        key = SUBJECTS[step.subject].key(subject)
        for waiting in Job.objects.filter(step=step.name, subject_key=key, state=Job.State.WAITING):
            if not send_job(waiting, now=work.now):
                raise UnderWay(f"{under_way} {QUEUE_SILENT}") from None
        raise
    send_job(job, now=work.now)
    return job


def send_job(job: Job, *, now: datetime) -> bool:
    """One more message for a waiting job. False, and the row says so, if the queue does not take it."""
    job.sentence = ""
    Job.objects.filter(pk=job.pk, state=Job.State.WAITING).update(sent_at=now, sentence="")
    if not send_task("work.run", job.pk, queue="web"):
        job.sentence = QUEUE_SILENT
        Job.objects.filter(pk=job.pk, state=Job.State.WAITING).update(sentence=QUEUE_SILENT)
    return not job.sentence


def sweep_jobs() -> None:
    """Sends jobs again whose message was lost, and marks those whose process has ended."""
    now = timezone.now()
    for job in Job.objects.filter(state=Job.State.WAITING, created_at__lt=now - RESEND_AFTER, step__in=STEPS):
        if job.sent_at is None or job.sent_at < now - RESEND_AFTER:
            send_job(job, now=now)
    for job in Job.objects.filter(state=Job.State.RUNNING, step__in=STEPS):
        note_if_lost(job)
