"""More assignments, and more time, for HITs that are already published."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from annotator.crowd.campaigns.crops import check_crops_of_hits
from annotator.crowd.campaigns.publishing import CannotPublish
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.marketplaces.facts import FeeSchedule
from annotator.crowd.marketplaces.marketplace import Extend, Marketplace, Prolong, Terms
from annotator.crowd.marketplaces.prices import compute_fee
from annotator.crowd.models import HIT, Campaign, OutwardAct
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.session import Session
from workers.engine.plurals import say_count

# What the column of a HIT holds.
MOST_ANSWERS = 32_767
# Who is asked now needs some time to find the HIT.
SOON = timedelta(hours=1)


def extend_hits(session: Session, *, n_more: Mapping[int, int]) -> None:
    """Asks for more assignments of these HITs (row id -> how many), within the campaign's cap.

    Raises CannotPublish, also if the marketplace has not done all of it.
    """
    campaign = session.campaign
    campaign.refresh_from_db(fields=["is_paused"])
    if campaign.is_paused:
        raise CannotPublish(f"The campaign {campaign} is paused; resume it first.")
    hits = campaign.hits.filter(pk__in=n_more).exclude(external_id="").order_by("id")
    check_crops_of_hits(hits)
    with session.hold():  # of two who ask at once, the second adds to what the first has added
        decisions = [
            decision
            for hit in hits.select_related("hit_type", "campaign")
            for decision in _decide_extension(hit, n_more=n_more[hit.pk], session=session)
        ]
        session.decide(decisions)
    asked = campaign.outward_acts.filter(key__in=[decision.key for decision in decisions])
    if left := asked.exclude(state=OutwardAct.State.DONE).order_by("id").first():
        raise CannotPublish(f"The marketplace has not done this for {left.hit}: {left.problem}")


def give_time(session: Session, *, lifetime: timedelta) -> int:
    """People can take the HITs that lack answers for so long from now. Returns how many HITs that are."""
    campaign, until = session.campaign, session.clock() + lifetime
    check_crops_of_hits(_list_lacking(campaign))
    with session.hold():  # what somebody withdraws meanwhile stays withdrawn
        hits = _list_lacking(campaign)
        session.decide(_decide_time(hit, until=until) for hit in hits if _would_help(hit, until=until))
    return campaign.hits.filter(pk__in=[hit.pk for hit in hits], expires_at__gt=session.clock()).count()


def _list_lacking(campaign: Campaign) -> list[HIT]:
    """Raises CannotPublish if there is none."""
    hits = list(campaign.hits.filter(state=HIT.State.PUBLISHED).exclude(external_id="").order_by("id"))
    if not hits:
        raise CannotPublish(
            f"No HIT of {campaign} lacks answers, or all were withdrawn: more time would change nothing."
        )
    return hits


def _would_help(hit: HIT, *, until: datetime) -> bool:
    """An earlier end would take time away."""
    return hit.expires_at is None or hit.expires_at < until


def _decide_time(hit: HIT, *, until: datetime) -> Decision:
    whole = until.replace(microsecond=0)
    return Decision(
        act=Prolong(hit_id=hit.external_id, until=whole),
        key=make_key("UpdateExpirationForHIT", hit.public_id, whole.isoformat()),
        expected={"expires_at": whole.isoformat()},
        hit=hit,
    )


def check_extension(hit: HIT, *, n_more: int, marketplace: Marketplace) -> None:
    """Raises CannotPublish or BadTerms if the HIT cannot have so many more assignments."""
    target, campaign = hit.n_assignments + n_more, hit.campaign
    if n_more < 1 or target > MOST_ANSWERS:
        raise CannotPublish(f"{hit} has {say_count(hit.n_assignments, 'assignment')} and cannot have {target}.")
    if hit.state == HIT.State.CANCELED:
        raise CannotPublish(f"{hit} was withdrawn: compose another campaign about its units.")
    if hit.hit_units.exclude(dissected_unit=None).exclude(dissected_unit__silence="").exists():
        raise CannotPublish(f"{hit} shows a silent unit: people are not asked about it again.")
    marketplace.check_terms(Terms(hit.n_assignments, max_assignments=target, reward_usd=campaign.reward_usd))


def compute_extension_cost(hit: HIT, *, n_more: int, fees: FeeSchedule) -> Decimal:
    """Rewards and fees of the added assignments, in dollars; the fee is that of a HIT of the new size."""
    reward, target = hit.campaign.reward_usd, hit.n_assignments + n_more
    return n_more * (reward + compute_fee(amount_usd=reward, n_assignments=target, fees=fees))


def _decide_extension(hit: HIT, *, n_more: int, session: Session) -> Iterator[Decision]:
    """An expired HIT is given its lifetime again: otherwise nobody could take what was added."""
    check_extension(hit, n_more=n_more, marketplace=session.marketplace)
    target, now = hit.n_assignments + n_more, session.clock()
    yield Decision(
        act=Extend(hit_id=hit.external_id, n_more=n_more, target=target),
        key=make_key("CreateAdditionalAssignmentsForHIT", hit.public_id, target),
        expected={"max_assignments": target},
        hit=hit,
        cost_usd=compute_extension_cost(hit, n_more=n_more, fees=session.marketplace.facts.fees),
    )
    if hit.expires_at is not None and hit.expires_at <= now + SOON:
        yield _decide_time(hit, until=now + find_lifetime(hit))


def find_lifetime(hit: HIT) -> timedelta:
    seconds = hit.campaign.lifetime_seconds or load_template(hit.hit_type.template).lifetime_seconds
    return timedelta(seconds=seconds)
