"""More assignments for HITs that are already published."""

from collections.abc import Mapping
from decimal import Decimal

from annotator.crowd.campaigns.publishing import CannotPublish
from annotator.crowd.marketplaces.facts import FeeSchedule
from annotator.crowd.marketplaces.marketplace import Extend, Marketplace, Terms
from annotator.crowd.marketplaces.prices import compute_fee
from annotator.crowd.models import HIT
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.session import Session


def extend_hits(session: Session, *, n_more: Mapping[int, int]) -> None:
    """Asks for more assignments of these HITs (row id -> how many), within the campaign's cap."""
    campaign = session.campaign
    campaign.refresh_from_db(fields=["is_paused"])
    if campaign.is_paused:
        raise CannotPublish(f"The campaign {campaign} is paused; resume it first.")
    hits = campaign.hits.filter(pk__in=n_more).exclude(external_id="").order_by("id")
    session.decide(_decide_extension(hit, n_more=n_more[hit.pk], marketplace=session.marketplace) for hit in hits)


def check_extension(hit: HIT, *, n_more: int, marketplace: Marketplace) -> None:
    """Raises CannotPublish or BadTerms if the HIT cannot have so many more assignments."""
    target, campaign = hit.n_assignments + n_more, hit.campaign
    if n_more < 1 or target > (campaign.max_assignments or target):
        raise CannotPublish(f"{hit} has {hit.n_assignments} assignments and cannot have {target}.")
    if hit.hit_units.exclude(dissected_unit=None).exclude(dissected_unit__silence="").exists():
        raise CannotPublish(f"{hit} shows a silent unit: people are not asked about it again.")
    marketplace.check_terms(Terms(hit.n_assignments, max_assignments=target, reward_usd=campaign.reward_usd))


def compute_extension_cost(hit: HIT, *, n_more: int, fees: FeeSchedule) -> Decimal:
    """Rewards and fees of the added assignments, in dollars; the fee is that of a HIT of the new size."""
    reward, target = hit.campaign.reward_usd, hit.n_assignments + n_more
    return n_more * (reward + compute_fee(amount_usd=reward, n_assignments=target, fees=fees))


def _decide_extension(hit: HIT, *, n_more: int, marketplace: Marketplace) -> Decision:
    check_extension(hit, n_more=n_more, marketplace=marketplace)
    target = hit.n_assignments + n_more
    return Decision(
        act=Extend(hit_id=hit.external_id, n_more=n_more, target=target),
        key=make_key("CreateAdditionalAssignmentsForHIT", hit.public_id, target),
        expected={"max_assignments": target},
        hit=hit,
        cost_usd=compute_extension_cost(hit, n_more=n_more, fees=marketplace.facts.fees),
    )
