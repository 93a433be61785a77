"""The web queue's tasks: run the jobs that buttons asked for, and find those whose message or process was lost."""

import contextlib
from collections.abc import Sequence
from typing import Any, cast

from celery import shared_task
from django.contrib.auth.models import User

from annotator.crowd.marketplaces.outcomes import RealMoneyRefused
from annotator.crowd.models import Assignment, Campaign
from annotator.labels.models import UnitLabel
from annotator.refusals import Refusal
from annotator.work.models import Job
from annotator.work.performing import note_refusal, perform, run_job
from annotator.work.sending import sweep_jobs
from annotator.work.table import STEPS


@shared_task(name="work.run", ignore_result=True)
def run(job_id: int) -> None:
    job = Job.objects.select_related("campaign", "actor").filter(pk=job_id).first()
    if job is not None:  # else its campaign was deleted
        with contextlib.suppress(Refusal):  # kept in the job's row
            run_job(job)


@shared_task(name="work.sweep", ignore_result=True)
def sweep() -> None:
    sweep_jobs()


@shared_task(name="dashboard.work", ignore_result=True)
def run_older_message(name: str, kind: str, by: str, values: Sequence[int] = (), is_permitted: bool = False) -> None:
    """A message sent by the release before this one; the next release drops this task.

    `is_permitted` is not believed: anybody who can write to the queue could set it. A permit is a job's row.
    """
    campaign = Campaign.objects.get(name=name)
    renamed = {"approve-one": "approve-answer", "reject-one": "confirm-rejection", "overturn": "overturn-rejection"}
    step, subject = STEPS[renamed.get(kind, kind)], cast(Any, campaign)
    if kind in renamed:
        subject = Assignment.objects.get(pk=values[0], hit__campaign=campaign)
    elif kind == "ask-more":
        subject = UnitLabel.objects.get(campaign=campaign, unit__hit_units__hit=values[0])
    actor = User.objects.get(username=by)
    try:
        perform(step, subject=subject, actor=actor, permit=None)
    except RealMoneyRefused as refusal:
        sentence = f"{refusal} It was asked for before an upgrade: please press the button again."
        note_refusal(step, subject=subject, actor=actor, sentence=sentence)
        Campaign.objects.filter(pk=campaign.pk).update(problem=sentence)
    except Refusal:
        pass  # kept in the job's row
