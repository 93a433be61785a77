"""Commands that end in one clear sentence: known refusals become a line on stderr and exit status 2."""

import contextlib
from collections.abc import Iterator

from django.core.management import CommandError

from annotator.crowd.campaigns import composing, phrases, quoting, unit_choice
from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.hit_types import templates as rendering
from annotator.crowd.judging import approving as reviewing
from annotator.crowd.judging import compensating
from annotator.crowd.marketplaces import requirements as qualifications
from annotator.crowd.marketplaces.outcomes import (
    MarketplaceRefused,
    NoCredentials,
    OutcomeUnknown,
    RealMoneyRefused,
    UnknownMarketplace,
)
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.outbox.holding import CampaignBusy

_REFUSALS = (
    compensating.CannotCompensate,
    composing.CannotCompose,
    UnknownMarketplace,
    RealMoneyRefused,
    MarketplaceRefused,
    NoCredentials,
    BudgetExceeded,
    CampaignBusy,
    phrases.BadPhrases,
    CannotPublish,
    qualifications.BadQualification,
    quoting.CannotQuote,
    rendering.BadTemplate,
    reviewing.CannotReview,
    unit_choice.BadChoice,
)


@contextlib.contextmanager
def refusing(campaign: Campaign | None = None) -> Iterator[None]:
    """A marketplace that does not answer leaves its sentence on the campaign, which stays resumable."""
    try:
        yield
    except OutcomeUnknown as error:
        if campaign is not None:
            Campaign.objects.filter(pk=campaign.pk).update(problem=str(error))
        raise CommandError(f"{error} Nothing is lost: run the command again to go on.", returncode=2) from error
    except _REFUSALS as error:
        raise CommandError(str(error), returncode=2) from error
