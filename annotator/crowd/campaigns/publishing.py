"""Publishes HITs, extends and withdraws them: the only code that spends."""

import contextlib
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.hit_types.screening import load_screening
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.marketplaces.mturk.qualifications import find_or_create_qualification
from annotator.crowd.marketplaces.mturk.wire import render_hit_type, render_question
from annotator.crowd.marketplaces.notifications import describe_subscription
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused
from annotator.crowd.marketplaces.prices import find_hit_cost
from annotator.crowd.models import HIT, Campaign, HITType, OutwardAct
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.session import Session


def publish_campaign(session: Session) -> None:
    """Every HIT of the campaign on its marketplace, once, however often this is begun again."""
    campaign = session.campaign
    if campaign.state == Campaign.State.DRAFT:
        raise CannotPublish(f"The campaign {campaign} has no quote yet.")
    if campaign.state in (Campaign.State.CLOSED, Campaign.State.COMPLETE):
        raise CannotPublish(f"The campaign {campaign} is {campaign.state}.")
    if campaign.is_paused:
        raise CannotPublish(f"The campaign {campaign} is paused; resume it first.")
    session.check_permit()
    with session.hold():
        for hit_type in campaign.hit_types.all():
            _register_type(hit_type, session=session)
            _subscribe(hit_type, requester=session.marketplace)
        session.note_confirmation()
        _decide_hits(session)
        session.settle()
        _note_published(campaign, now=session.clock())


def _register_type(hit_type: HITType, *, session: Session) -> None:
    if hit_type.external_id:
        return
    campaign = hit_type.campaign
    offer_screening(campaign=campaign, requester=session.marketplace)
    fields = render_hit_type(campaign=campaign, template=load_template(hit_type.template))
    hit_type.fields = fields
    hit_type.save(update_fields=["fields"])
    act = session.write(
        Decision(
            operation="CreateHITType",
            key=make_key("CreateHITType", campaign.pk, campaign.created_at.isoformat(), hit_type.pk),
            request=fields,
            expected={"hit_type": hit_type.pk},
        )
    )
    session.settle()
    act.refresh_from_db()
    hit_type.refresh_from_db()
    if not hit_type.external_id:
        raise CannotPublish(f"The marketplace refused the HIT type {hit_type.template}: {act.problem}")


def _subscribe(hit_type: HITType, *, requester: Requester) -> None:
    """Twice is once. Without it answers are collected a minute later, so that no refusal stands in the way."""
    if notification := describe_subscription():
        request = {"HITTypeId": hit_type.external_id, "Notification": notification, "Active": True}
        with contextlib.suppress(MarketplaceRefused):
            requester.call("UpdateNotificationSettings", request)


def _decide_hits(session: Session) -> None:
    """One act a HIT, all or none: where the cap does not cover the whole campaign, nothing is written."""
    campaign, fees = session.campaign, session.marketplace.marketplace.fees
    hits = campaign.hits.select_related("hit_type").filter(state=HIT.State.COMPOSED, external_id="").order_by("id")
    with transaction.atomic():
        for hit in hits:
            key = make_key("CreateHITWithHITType", hit.public_id)
            session.write(
                Decision(
                    operation="CreateHITWithHITType",
                    key=key,
                    request=_request_hit(hit, key=key),
                    hit=hit,
                    cost_usd=find_hit_cost(reward_usd=campaign.reward_usd, n_assignments=hit.n_assignments, fees=fees),
                )
            )


def _request_hit(hit: HIT, *, key: str) -> dict[str, Any]:
    template = load_template(hit.hit_type.template)
    return {
        "HITTypeId": hit.hit_type.external_id,
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


def offer_screening(*, campaign: Campaign, requester: Requester) -> None:
    """The test at the marketplace, if the campaign asks for one, and its id on the campaign."""
    asked = campaign.qualifications.get("screening")
    if not asked or asked.get("qualification_id"):
        return
    screening = load_screening(campaign.hit_types.get().template)
    fields = {
        "Description": f"{len(screening.questions)} short questions on how to describe and mark picture crops.",
        "Keywords": "screening, test, pictures",
        "Test": screening.form,
        "AnswerKey": screening.key,
        "TestDurationInSeconds": 60 * screening.minutes,
    }
    found = find_or_create_qualification(name=screening.name, fields=fields, requester=requester)
    campaign.qualifications = campaign.qualifications | {"screening": asked | {"qualification_id": found}}
    campaign.save(update_fields=["qualifications"])
