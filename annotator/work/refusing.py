"""A marketplace that does not answer leaves its sentence on the campaign, which stays resumable."""

import contextlib
from collections.abc import Iterator

from django.core.management import CommandError

from annotator.crowd.marketplaces.outcomes import OutcomeUnknown
from annotator.crowd.models import Campaign


@contextlib.contextmanager
def refusing(campaign: Campaign | None = None) -> Iterator[None]:
    try:
        yield
    except OutcomeUnknown as error:
        if campaign is not None:
            Campaign.objects.filter(pk=campaign.pk).update(problem=str(error))
        raise CommandError(f"{error} Nothing is lost: run the command again to go on.", returncode=2) from error
