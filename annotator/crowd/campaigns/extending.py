"""More assignments for HITs that are already published."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.marketplaces.marketplace import Marketplace
from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.marketplaces.prices import find_fee
from annotator.crowd.models import HIT, Campaign
from annotator.crowd.outbox.acts import make_key, write_act
from annotator.crowd.outbox.holding import hold_campaign
from annotator.crowd.outbox.performing import Clock, Pause, Performed, settle_acts


def extend_hits(
    *, campaign: Campaign, n_more: Mapping[int, int], requester: Requester, clock: Clock, pause: Pause
) -> Performed:
    """More assignments for these HITs (row id -> how many), for `labels.extending`. The cap holds."""
    campaign.refresh_from_db(fields=["is_paused"])
    if campaign.is_paused:
        raise CannotPublish(f"The campaign {campaign} is paused; resume it first.")
    with hold_campaign(campaign):
        with transaction.atomic():
            for hit in campaign.hits.filter(pk__in=n_more).exclude(mturk_id="").order_by("id"):
                _decide_extension(hit, n_more=n_more[hit.pk], marketplace=requester.marketplace, now=clock())
        return settle_acts(campaign=campaign, requester=requester, clock=clock, pause=pause)


def _decide_extension(hit: HIT, *, n_more: int, marketplace: Marketplace, now: datetime) -> None:
    target = hit.n_assignments + n_more
    if n_more < 1 or target > (hit.campaign.max_assignments or target):
        raise CannotPublish(f"{hit} has {hit.n_assignments} assignments and cannot have {target}.")
    if hit.n_assignments < 10 <= target:
        raise CannotPublish("A HIT of fewer than 10 assignments can never be extended to 10 or more.")
    reward = hit.campaign.reward_usd
    fee = find_fee(amount_usd=reward, n_assignments=target, fees=marketplace.fees)
    key = make_key("CreateAdditionalAssignmentsForHIT", hit.public_id, target)
    write_act(
        campaign=hit.campaign,
        operation="CreateAdditionalAssignmentsForHIT",
        key=key,
        request={
            "HITId": hit.mturk_id,
            "NumberOfAdditionalAssignments": n_more,
            "UniqueRequestToken": key,
        },
        expected={"max_assignments": target},
        hit=hit,
        cost_usd=n_more * (reward + fee),
        now=now,
    )
