"""More assignments for HITs that are already published."""

from collections.abc import Mapping

from django.db import transaction

from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.marketplaces.marketplace import Marketplace
from annotator.crowd.marketplaces.prices import find_fee
from annotator.crowd.models import HIT
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.performing import Performed
from annotator.crowd.outbox.session import Session


def extend_hits(session: Session, *, n_more: Mapping[int, int]) -> Performed:
    """More assignments for these HITs (row id -> how many), for `labels.extending`. The cap holds."""
    campaign = session.campaign
    campaign.refresh_from_db(fields=["is_paused"])
    if campaign.is_paused:
        raise CannotPublish(f"The campaign {campaign} is paused; resume it first.")
    place = session.marketplace.marketplace
    with session.hold():
        with transaction.atomic():
            for hit in campaign.hits.filter(pk__in=n_more).exclude(external_id="").order_by("id"):
                session.write(_decide_extension(hit, n_more=n_more[hit.pk], marketplace=place))
        return session.settle()


def _decide_extension(hit: HIT, *, n_more: int, marketplace: Marketplace) -> Decision:
    target = hit.n_assignments + n_more
    if n_more < 1 or target > (hit.campaign.max_assignments or target):
        raise CannotPublish(f"{hit} has {hit.n_assignments} assignments and cannot have {target}.")
    if hit.n_assignments < 10 <= target:
        raise CannotPublish("A HIT of fewer than 10 assignments can never be extended to 10 or more.")
    reward = hit.campaign.reward_usd
    fee = find_fee(amount_usd=reward, n_assignments=target, fees=marketplace.fees)
    key = make_key("CreateAdditionalAssignmentsForHIT", hit.public_id, target)
    return Decision(
        operation="CreateAdditionalAssignmentsForHIT",
        key=key,
        request={
            "HITId": hit.external_id,
            "NumberOfAdditionalAssignments": n_more,
            "UniqueRequestToken": key,
        },
        expected={"max_assignments": target},
        hit=hit,
        cost_usd=n_more * (reward + fee),
    )
