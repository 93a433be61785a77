"""The web queue's task behind the dashboard's buttons: does the work and notes how it ended."""

from collections.abc import Sequence

from celery import shared_task
from django.utils import timezone

from annotator.comparison.comparing import NothingToCompare
from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.judging.approving import CannotReview
from annotator.crowd.judging.compensating import CannotCompensate
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused, NoCredentials, OutcomeUnknown, RealMoneyRefused
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.outbox.holding import CampaignBusy
from annotator.labels.extending import CannotExtend
from annotator.labels.labeling import NothingToLabel
from annotator.work.jobs import note_job
from annotator.work.steps import OF_CAMPAIGN, OF_ONE

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
