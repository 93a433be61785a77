"""The web queue's task behind the dashboard's buttons: does the work and notes how it ended."""

import functools
from collections.abc import Sequence

from celery import shared_task
from django.utils import timezone

from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.session import open_session
from annotator.refusals import Refusal
from annotator.work.jobs import note_job
from annotator.work.steps import OF_CAMPAIGN, OF_ONE, Work


@shared_task(name="dashboard.work", ignore_result=True)
def work(name: str, kind: str, by: str, values: Sequence[int] = (), is_permitted: bool = False) -> None:
    """`is_permitted`: whoever asked gave the three confirmations of real money for this campaign."""

    def note(state: str, words: str) -> None:
        note_job(campaign=name, kind=kind, state=state, words=words, now=timezone.now(), by=by)

    note("running", "")
    act = (OF_CAMPAIGN | OF_ONE)[kind]
    try:
        campaign, permit = Campaign.objects.get(name=name), Permit(campaign=name, given_by=by) if is_permitted else None
        words = act(Work(campaign, by, functools.partial(open_session, campaign, permit=permit)), *values)
    except Refusal as problem:
        note("failed", str(problem))
    except Exception:
        note("failed", "The work ended by a defect; the web queue's log holds the details.")
        raise
    else:
        note("done", words)
