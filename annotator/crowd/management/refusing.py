"""Commands that end in one clear sentence: known refusals become a line on stderr and exit status 2."""

import contextlib
from collections.abc import Iterable, Iterator

from django.core.exceptions import ValidationError
from django.core.management import CommandError

from annotator.crowd import (
    composing,
    marketplaces,
    mturk,
    outbox,
    publishing,
    quoting,
    rendering,
    reviewing,
    unit_choice,
)
from annotator.crowd.models import Campaign
from annotator.units.models import Dissection

_REFUSALS = (
    composing.CannotCompose,
    marketplaces.UnknownMarketplace,
    marketplaces.RealMoneyRefused,
    mturk.MarketplaceRefused,
    mturk.NoCredentials,
    outbox.BudgetExceeded,
    outbox.CampaignBusy,
    publishing.CannotPublish,
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


def find_dissections(ids: list[str]) -> list[Dissection]:
    found: list[Dissection] = []
    for text in ids:
        try:
            dissection = Dissection.objects.filter(pk=text).first()
        except ValueError:
            dissection = None
        except Exception as error:  # Django's ValidationError for a text that is no UUID
            raise CommandError(f"{text!r} is not the id of a dissection.", returncode=2) from error
        if dissection is None:
            raise CommandError(f"There is no dissection {text}.", returncode=2)
        if dissection.state != Dissection.State.DONE:
            raise CommandError(
                f"The dissection {text} is {dissection.state}; a campaign needs a finished one.", returncode=2
            )
        found.append(dissection)
    return found


def print_error(message: str) -> None:
    print(message, file=sys.stderr)
