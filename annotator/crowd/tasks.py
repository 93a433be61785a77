"""What goes on by itself: campaigns are collected and their unsettled acts performed, every minute and when woken."""

import logging
import time

from celery import shared_task
from django.utils import timezone

from annotator.crowd.campaigns import collecting
from annotator.crowd.marketplaces import notifications
from annotator.crowd.marketplaces.marketplace import open_marketplace
from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused, NoCredentials, OutcomeUnknown
from annotator.crowd.models import GOING, Campaign, OutwardAct
from annotator.crowd.outbox.holding import CampaignBusy, hold_campaign
from annotator.crowd.outbox.performing import settle_acts

log = logging.getLogger(__name__)
UNSETTLED = (OutwardAct.State.PENDING, OutwardAct.State.SENT, OutwardAct.State.UNKNOWN)


@shared_task(name="crowd.go_on", ignore_result=True)
def go_on() -> None:
    """Every campaign that people work on; one that cannot go on says why and does not hold up the others."""
    for campaign in Campaign.objects.filter(state__in=GOING, is_imported=False):
        go_on_with_campaign(campaign.pk)


@shared_task(name="crowd.listen", ignore_result=True)
def listen() -> None:
    """What stands in the queue of notifications; without it each campaign is looked at every minute all the same."""
    try:
        notifications.read_queue()
    except notifications.QueueSilent as problem:
        log.warning("%s", problem)


@shared_task(name="crowd.go_on_with_campaign", ignore_result=True)
def go_on_with_campaign(campaign_id: int) -> None:
    campaign = Campaign.objects.get(pk=campaign_id)
    try:
        _go_on(campaign)
    except CampaignBusy:
        return  # whoever acts for it now does the same work
    except (OutcomeUnknown, MarketplaceRefused, NoCredentials) as error:
        Campaign.objects.filter(pk=campaign.pk).update(problem=str(error))
    else:
        Campaign.objects.filter(pk=campaign.pk).exclude(problem="").update(problem="")


def _go_on(campaign: Campaign) -> None:
    requester = Requester(open_marketplace(campaign.marketplace))
    collecting.collect_campaign(campaign=campaign, requester=requester, now=timezone.now())
    if not campaign.is_paused and campaign.outward_acts.filter(state__in=UNSETTLED).exists():
        with hold_campaign(campaign):
            settle_acts(campaign=campaign, requester=requester, clock=timezone.now, pause=time.sleep)
