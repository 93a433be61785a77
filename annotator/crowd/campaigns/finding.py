"""A campaign by its name."""

from django.core.management import CommandError

from annotator.crowd.models import Campaign


def find_campaign(name: str) -> Campaign:
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None:
        raise CommandError(f"There is no campaign {name!r}.", returncode=2)
    return campaign
