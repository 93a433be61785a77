"""Pausing, withdrawing and closing a campaign."""

from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.models import HIT, Campaign
from annotator.crowd.outbox.acts import make_key, write_act
from annotator.crowd.outbox.holding import hold_campaign
from annotator.crowd.outbox.performing import Clock, Pause, Performed, settle_acts


def pause_campaign(*, campaign: Campaign, is_paused: bool) -> None:
    """A paused campaign spends nothing more; people at work finish and are paid."""
    Campaign.objects.filter(pk=campaign.pk).update(is_paused=is_paused)


def withdraw_campaign(*, campaign: Campaign, requester: Requester, clock: Clock, pause: Pause) -> Performed:
    """The kill switch: no HIT can be taken any more. Work that was begun may be finished, and is paid."""
    pause_campaign(campaign=campaign, is_paused=True)
    with hold_campaign(campaign):
        for hit in campaign.hits.filter(state=HIT.State.PUBLISHED).exclude(mturk_id="").order_by("id"):
            write_act(
                campaign=campaign,
                operation="UpdateExpirationForHIT",
                key=make_key("UpdateExpirationForHIT", hit.public_id, hit.n_assignments),
                request={"HITId": hit.mturk_id, "ExpireAt": 0},
                hit=hit,
                now=clock(),
            )
        return settle_acts(campaign=campaign, requester=requester, clock=clock, pause=pause)


def close_campaign(*, campaign: Campaign) -> None:
    """Nothing more will be asked or paid."""
    if campaign.hits.filter(state=HIT.State.PUBLISHED).exists():
        raise CannotPublish("HITs are still open: withdraw the campaign, or collect what is missing.")
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.CLOSED)
