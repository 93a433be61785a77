"""What happens automatically: each minute, and at each notification, campaigns are collected and acts performed."""

import logging

from celery import shared_task
from django.utils import timezone

from annotator.crowd.campaigns import collecting
from annotator.crowd.campaigns.telling import tell_due
from annotator.crowd.letters import collect_letters
from annotator.crowd.marketplaces import notifications
from annotator.crowd.models import GOING, Campaign
from annotator.crowd.outbox.performing import CampaignBusy, list_due
from annotator.crowd.outbox.session import open_session
from annotator.crowd.page.starting import drop_stale_claims
from annotator.refusals import Refusal

log = logging.getLogger(__name__)


@shared_task(name="crowd.go_on", ignore_result=True)
def go_on() -> None:
    """Every campaign that people work on; one that cannot go on says why and does not hold up the others."""
    drop_stale_claims(now=timezone.now())
    for campaign in Campaign.objects.filter(state__in=GOING, is_imported=False):
        try:
            go_on_with_campaign(campaign.pk)
        except Exception:
            log.exception("Campaign %s cannot go on.", campaign)


@shared_task(name="crowd.listen", ignore_result=True)
def listen() -> None:
    """Reads the queue of notifications. Without a queue, each campaign is still collected every minute."""
    try:
        notifications.read_queue()
    except notifications.QueueSilent as problem:
        log.warning("%s", problem)


@shared_task(name="crowd.tell", ignore_result=True)
def tell() -> None:
    """Sends the notices of complete campaigns that are due, apart from collecting."""
    tell_due(now=timezone.now())


@shared_task(name="crowd.letters", ignore_result=True)
def take_letters() -> None:
    """Takes in what people wrote."""
    collect_letters(now=timezone.now())


@shared_task(name="crowd.go_on_with_campaign", ignore_result=True)
def go_on_with_campaign(campaign_id: int) -> None:
    campaign = Campaign.objects.get(pk=campaign_id)
    try:
        session = open_session(campaign)
        collecting.collect_campaign(session)
        if not campaign.is_paused and list_due(campaign).exists():
            with session.hold():
                session.settle()
    except CampaignBusy:
        return  # whoever acts for it now does the same work
    except Refusal as error:
        Campaign.objects.filter(pk=campaign.pk).update(problem=str(error))
    else:
        Campaign.objects.filter(pk=campaign.pk).exclude(problem="").update(problem="")
