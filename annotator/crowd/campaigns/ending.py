"""Pausing, withdrawing and closing a campaign."""

from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.marketplaces.marketplace import Stop
from annotator.crowd.models import HIT, Campaign
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.performing import Performed
from annotator.crowd.outbox.session import Session


def pause_campaign(*, campaign: Campaign, is_paused: bool) -> None:
    """A paused campaign spends nothing more. People who have started finish and are paid."""
    Campaign.objects.filter(pk=campaign.pk).update(is_paused=is_paused)


def withdraw_campaign(session: Session) -> Performed:
    """Nobody can take a HIT any more. Work that was started may be finished, and is paid."""
    campaign = session.campaign
    pause_campaign(campaign=campaign, is_paused=True)
    with session.hold():
        for hit in campaign.hits.filter(state=HIT.State.PUBLISHED).exclude(external_id="").order_by("id"):
            session.write(
                Decision(
                    act=Stop(hit_id=hit.external_id),
                    key=make_key("UpdateExpirationForHIT", hit.public_id, hit.n_assignments),
                    hit=hit,
                )
            )
        return session.settle()


def close_campaign(*, campaign: Campaign) -> None:
    """Nothing more will be asked or paid."""
    if campaign.hits.filter(state=HIT.State.PUBLISHED).exists():
        raise CannotPublish("HITs are still open: withdraw the campaign, or collect what is missing.")
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.CLOSED)
