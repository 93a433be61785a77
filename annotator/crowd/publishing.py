"""Publishes HITs, extends and withdraws them: the only code that spends."""

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from annotator.crowd.marketplaces import Marketplace
from annotator.crowd.models import HIT, Campaign, HITType, OutwardAct
from annotator.crowd.money import find_fee, find_hit_cost
from annotator.crowd.mturk import MarketplaceRefused, OutcomeUnknown, Requester
from annotator.crowd.notifications import describe_subscription
from annotator.crowd.outbox import Performed, hold_campaign, make_key, perform_acts, write_act
from annotator.crowd.qualifying import offer_screening
from annotator.crowd.rendering import load_template, render_hit_type, render_question

Clock = Callable[[], datetime]
Pause = Callable[[float], None]
ROUNDS = 8


class CannotPublish(Exception):
    """The campaign is not in a state to be published, or the marketplace refused it."""


def publish_campaign(*, campaign: Campaign, requester: Requester, clock: Clock, pause: Pause) -> None:
    """Every HIT of the campaign on its marketplace, once, however often this is begun again."""
    if campaign.state == Campaign.State.DRAFT:
        raise CannotPublish(f"The campaign {campaign} has no quote yet.")
    if campaign.state in (Campaign.State.CLOSED, Campaign.State.COMPLETE):
        raise CannotPublish(f"The campaign {campaign} is {campaign.state}.")
    if campaign.is_paused:
        raise CannotPublish(f"The campaign {campaign} is paused; resume it first.")
    with hold_campaign(campaign):
        for hit_type in campaign.hit_types.all():
            _register_type(hit_type, requester=requester, clock=clock, pause=pause)
            _subscribe(hit_type, requester=requester)
        _decide_hits(campaign, marketplace=requester.marketplace, now=clock())
        settle_acts(campaign=campaign, requester=requester, clock=clock, pause=pause)
        _note_published(campaign, now=clock())


def settle_acts(*, campaign: Campaign, requester: Requester, clock: Clock, pause: Pause) -> Performed:
    """Performs what is due in rounds, so that a marketplace that is busy or loses answers is asked again."""
    so_far = Performed()
    for number in range(ROUNDS):
        performed = perform_acts(campaign=campaign, requester=requester, clock=clock)
        so_far = so_far.add(performed)
        if not performed.n_unknown:
            return so_far
        pause(min(5.0, 0.2 * 2**number))
    raise OutcomeUnknown(
        f"The marketplace {campaign.marketplace} left {performed.n_unknown} acts of {campaign} unanswered."
    )


def _register_type(hit_type: HITType, *, requester: Requester, clock: Clock, pause: Pause) -> None:
    if hit_type.mturk_id:
        return
    campaign = hit_type.campaign
    offer_screening(campaign=campaign, requester=requester)
    fields = render_hit_type(campaign=campaign, template=load_template(hit_type.template))
    hit_type.fields = fields
    hit_type.save(update_fields=["fields"])
    act = write_act(
        campaign=campaign,
        operation="CreateHITType",
        key=make_key("CreateHITType", campaign.pk, campaign.created_at.isoformat(), hit_type.pk),
        request=fields,
        expected={"hit_type": hit_type.pk},
        now=clock(),
    )
    settle_acts(campaign=campaign, requester=requester, clock=clock, pause=pause)
    act.refresh_from_db()
    hit_type.refresh_from_db()
    if not hit_type.mturk_id:
        raise CannotPublish(f"The marketplace refused the HIT type {hit_type.template}: {act.problem}")


def _subscribe(hit_type: HITType, *, requester: Requester) -> None:
    """Twice is once. Without it answers are collected a minute later, so that no refusal stands in the way."""
    if notification := describe_subscription():
        request = {"HITTypeId": hit_type.mturk_id, "Notification": notification, "Active": True}
        with contextlib.suppress(MarketplaceRefused):
            requester.call("UpdateNotificationSettings", request)


def _decide_hits(campaign: Campaign, *, marketplace: Marketplace, now: datetime) -> None:
    """One act a HIT, all or none: where the cap does not cover the whole campaign, nothing is written."""
    hits = campaign.hits.select_related("hit_type").filter(state=HIT.State.COMPOSED, mturk_id="").order_by("id")
    with transaction.atomic():
        for hit in hits:
            key = make_key("CreateHITWithHITType", hit.public_id)
            write_act(
                campaign=campaign,
                operation="CreateHITWithHITType",
                key=key,
                request=_request_hit(hit, key=key),
                hit=hit,
                cost_usd=find_hit_cost(
                    reward_usd=campaign.reward_usd, n_assignments=hit.n_assignments, fees=marketplace.fees
                ),
                now=now,
            )


def _request_hit(hit: HIT, *, key: str) -> dict[str, Any]:
    template = load_template(hit.hit_type.template)
    return {
        "HITTypeId": hit.hit_type.mturk_id,
        "MaxAssignments": hit.n_assignments,
        "LifetimeInSeconds": template.lifetime_seconds,
        "Question": render_question(hit=hit, template=template),
        "RequesterAnnotation": key,
        "UniqueRequestToken": key,
    }


def _note_published(campaign: Campaign, *, now: datetime) -> None:
    refused = campaign.outward_acts.filter(
        operation="CreateHITWithHITType", purpose="", state__in=[OutwardAct.State.FAILED, OutwardAct.State.NEEDS_HUMAN]
    ).order_by("id")
    first = refused.first()
    if first is not None:
        raise CannotPublish(f"{refused.count()} HITs of the campaign {campaign} were not published: {first.problem}")
    campaign.refresh_from_db()
    if campaign.state == Campaign.State.QUOTED:
        campaign.state = Campaign.State.PUBLISHED
        campaign.published_at = now
    campaign.problem = ""
    campaign.save(update_fields=["state", "published_at", "problem"])


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


def find_spending(campaign: Campaign) -> Decimal:
    """What outward acts have reserved of the cap so far."""
    return Campaign.objects.values_list("committed_usd", flat=True).get(pk=campaign.pk)
