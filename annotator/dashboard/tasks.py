"""The web queue's task behind the dashboard's buttons: does the work and notes how it ended."""

from collections.abc import Sequence

from celery import shared_task
from django.utils import timezone

from annotator.comparison.comparing import NothingToCompare
from annotator.crowd.compensating import CannotCompensate
from annotator.crowd.marketplaces import RealMoneyRefused
from annotator.crowd.models import Campaign
from annotator.crowd.mturk import MarketplaceRefused, NoCredentials, OutcomeUnknown
from annotator.crowd.outbox import BudgetExceeded, CampaignBusy
from annotator.crowd.publishing import CannotPublish
from annotator.crowd.reviewing import CannotReview
from annotator.dashboard.campaign_work import OF_CAMPAIGN, OF_ONE
from annotator.dashboard.jobs import note_job
from annotator.labels.extending import CannotExtend
from annotator.labels.labeling import NothingToLabel

# What a person can do something about: told in its own words. Anything else is a defect and is told as one.
EXPECTED = (
    BudgetExceeded,
    CampaignBusy,
    CannotCompensate,
    CannotExtend,
    CannotPublish,
    CannotReview,
    MarketplaceRefused,
    NoCredentials,
    NothingToCompare,
    NothingToLabel,
    OutcomeUnknown,
    RealMoneyRefused,
)


@shared_task(name="dashboard.work", ignore_result=True)
def work(name: str, kind: str, by: str, values: Sequence[int] = ()) -> None:
    def note(state: str, words: str) -> None:
        note_job(campaign=name, kind=kind, state=state, words=words, now=timezone.now(), by=by)

    note("running", "")
    act = (OF_CAMPAIGN | OF_ONE)[kind]
    try:
        words = act(Campaign.objects.get(name=name), by, *values)
    except EXPECTED as problem:
        note("failed", str(problem))
    except Exception:
        note("failed", "The work ended by a defect; the web queue's log holds the details.")
        raise
    else:
        note("done", words)
