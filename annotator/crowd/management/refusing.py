"""Commands that end in one clear sentence: known refusals become a line on stderr and exit status 2."""

import contextlib
from collections.abc import Iterable, Iterator

from django.core.exceptions import ValidationError
from django.core.management import CommandError

from annotator.crowd import (
    compensating,
    composing,
    marketplaces,
    mturk,
    outbox,
    phrases,
    publishing,
    qualifications,
    quoting,
    rendering,
    reviewing,
    unit_choice,
)
from annotator.crowd.models import Campaign
from annotator.units.models import Dissection

_REFUSALS = (
    compensating.CannotCompensate,
    composing.CannotCompose,
    marketplaces.UnknownMarketplace,
    marketplaces.RealMoneyRefused,
    mturk.MarketplaceRefused,
    mturk.NoCredentials,
    outbox.BudgetExceeded,
    outbox.CampaignBusy,
    phrases.BadPhrases,
    publishing.CannotPublish,
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
    except mturk.OutcomeUnknown as error:
        if campaign is not None:
            Campaign.objects.filter(pk=campaign.pk).update(problem=str(error))
        raise CommandError(f"{error} Nothing is lost: run the command again to go on.", returncode=2) from error
    except _REFUSALS as error:
        raise CommandError(str(error), returncode=2) from error


def find_campaign(name: str) -> Campaign:
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None:
        raise CommandError(f"There is no campaign {name!r}.", returncode=2)
    return campaign


def find_dissections(ids: Iterable[object]) -> list[Dissection]:
    return [_find_dissection(str(text)) for text in ids]


def _find_dissection(text: str) -> Dissection:
    try:
        dissection = Dissection.objects.filter(pk=text).first()
    except ValidationError:
        dissection = None
    if dissection is None:
        raise CommandError(f"There is no dissection {text!r}.", returncode=2)
    if dissection.state != Dissection.State.DONE:
        raise CommandError(f"The dissection {text} is {dissection.state}; a campaign needs a done one.", returncode=2)
    return dissection
