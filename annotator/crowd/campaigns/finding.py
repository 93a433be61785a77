"""A campaign by its name."""

from annotator.crowd.models import Campaign
from annotator.refusals import Refusal


class NoSuchCampaign(Refusal):
    """No campaign has this name."""


def find_campaign(name: str) -> Campaign:
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None:
        raise NoSuchCampaign(f"There is no campaign called {name}.")
    return campaign
