"""Publishes a campaign (its HIT types, its screening test and its HITs); pauses, withdraws and closes it."""

import contextlib
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from annotator.crowd.campaigns.crops import check_crops_of_hits
from annotator.crowd.hit_types.screening import load_screening
from annotator.crowd.hit_types.templates import MARK_LENGTH, load_template
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import Page, Publish, Qualify, Register, Stop
from annotator.crowd.marketplaces.outcomes import OutcomeUnknown, RealMoneyRefused
from annotator.crowd.marketplaces.prices import compute_hit_cost
from annotator.crowd.models import HIT, Assignment, Campaign, HITType, HITUnit, OutwardAct
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.performing import give_up_asks, list_due, list_stopped
from annotator.crowd.outbox.session import Session, hold_campaign
from annotator.refusals import Refusal
from workers.engine.plurals import say_count


class CannotPublish(Refusal):
    """The campaign is not in a state to be published, or the marketplace refused it."""


def publish_campaign(session: Session) -> None:
    """Publishes every HIT of the campaign once, even if this is started again. Raises CannotPublish, BudgetExceeded."""
    campaign, quoted_at = session.campaign, session.campaign.quoted_at
    _check_publishable(campaign)
    session.check_permit()
    check_crops_of_hits(campaign.hits.filter(state=HIT.State.COMPOSED, external_id=""))
    with session.hold():  # as the campaign is now: crops take a while to read, and somebody may have changed it
        campaign.refresh_from_db()
        _check_publishable(campaign)
        check_unchanged(campaign, since=quoted_at)
        for hit_type in campaign.hit_types.all():
            _register_type(hit_type, session=session)
            session.marketplace.subscribe(hit_type.external_id)
        session.note_confirmation()
        _decide_hits(session)
        session.settle()
        _note_published(campaign, now=session.clock())


def _check_publishable(campaign: Campaign) -> None:
    if campaign.state == Campaign.State.DRAFT:
        raise CannotPublish(f"The campaign {campaign} has no quote yet.")
    if campaign.state in (Campaign.State.CLOSED, Campaign.State.COMPLETE):
        raise CannotPublish(f"The campaign {campaign} is {campaign.state}.")
    if campaign.is_paused:
        raise CannotPublish(f"The campaign {campaign} is paused; resume it first.")
    _refuse_silent(campaign)


def check_unchanged(campaign: Campaign, *, since: datetime | None) -> None:
    """Raises CannotPublish if it was quoted later, as changed terms are: nobody has asked for these."""
    if campaign.quoted_at and since and campaign.quoted_at > since:
        raise CannotPublish(
            f"The terms of {campaign} were changed or quoted again after this was asked for. Look at them, and publish "
            "again."
        )


def _refuse_silent(campaign: Campaign) -> None:
    """Composing leaves silent units out; a campaign that was composed by an earlier version may hold some."""
    units = HITUnit.objects.filter(hit__campaign=campaign, hit__external_id="", dissected_unit__isnull=False)
    n_silent = units.exclude(dissected_unit__silence="").count()
    if n_silent and campaign.state == Campaign.State.QUOTED:
        raise CannotPublish(
            f"{n_silent} of the units of {campaign} are silent, so people cannot be asked about them: "
            "compose the campaign again under another name."
        )


def _make_type_key(hit_type: HITType) -> str:
    campaign = hit_type.campaign
    return make_key("CreateHITType", campaign.pk, campaign.created_at.isoformat(), hit_type.pk)


def describe_type(hit_type: HITType) -> Register:
    """Equal fields are one HIT type at a marketplace, so that each campaign has a title of its own."""
    campaign, template = hit_type.campaign, load_template(hit_type.template)
    return Register(
        title=f"{template.title} [{_make_type_key(hit_type)[:MARK_LENGTH].upper()}]",
        description=f"{template.description} Asked by {campaign.requester_name}.",
        keywords=template.keywords,
        reward_usd=campaign.reward_usd,
        assignment_seconds=template.assignment_seconds,
        auto_approval_seconds=template.auto_approval_seconds,
        requirements=campaign.qualifications,
        expected_seconds=int(campaign.quote.get("seconds_per_assignment") or template.expected_seconds),
    )


def _register_type(hit_type: HITType, *, session: Session) -> None:
    if hit_type.external_id:
        return
    _offer_screening(hit_type, session=session)
    act = session.carry_out(
        Decision(
            act=describe_type(hit_type),
            key=_make_type_key(hit_type),
            expected={"hit_type": hit_type.pk},
        )
    )
    HITType.objects.filter(pk=hit_type.pk).update(fields=act.request)
    hit_type.refresh_from_db()
    if not hit_type.external_id:
        raise CannotPublish(f"The marketplace refused the HIT type {hit_type.template}: {act.problem}")


def _offer_screening(hit_type: HITType, *, session: Session) -> None:
    """The test at the marketplace, if the campaign asks for one; its id is then on the campaign."""
    campaign = session.campaign
    asked = campaign.qualifications.get("screening")
    if not asked or asked.get("qualification_id"):
        return
    screening = load_screening(hit_type.template)
    act = session.carry_out(
        Decision(
            act=Qualify(
                name=screening.name,
                description=(
                    f"{say_count(len(screening.questions), 'short question')} on how to describe and mark picture "
                    "crops."
                ),
                keywords="screening, test, pictures",
                screening=screening,
            ),
            key=make_key("CreateQualificationType", campaign.pk, campaign.created_at.isoformat(), screening.name),
        )
    )
    campaign.refresh_from_db(fields=["qualifications"])
    if act.state != OutwardAct.State.DONE:
        raise CannotPublish(f"The marketplace refused the screening test: {act.problem}")


def _decide_hits(session: Session) -> None:
    """One act per HIT, all or none: if the cap does not cover the whole campaign, nothing is written."""
    campaign, fees = session.campaign, session.marketplace.facts.fees
    hits = (
        campaign.hits.select_related("hit_type__campaign", "campaign")
        .filter(state=HIT.State.COMPOSED, external_id="")
        .order_by("id")
    )
    with transaction.atomic():
        for hit in hits:
            cost = compute_hit_cost(reward_usd=campaign.reward_usd, n_assignments=hit.n_assignments, fees=fees)
            key = make_key("CreateHITWithHITType", hit.public_id)
            act = _describe_hit(hit)
            expected = {"lifetime_seconds": act.lifetime_seconds}
            session.write(Decision(act=act, key=key, hit=hit, cost_usd=cost, expected=expected))


def _describe_hit(hit: HIT) -> Publish:
    template = load_template(hit.hit_type.template)
    return Publish(
        hit_type_id=hit.hit_type.external_id,
        n_assignments=hit.n_assignments,
        lifetime_seconds=hit.campaign.lifetime_seconds or template.lifetime_seconds,
        page=Page(url=f"{settings.HIT_PAGES_URL}/hit/{hit.public_id}/", frame_height_px=template.frame_height_px),
        kind=describe_type(hit.hit_type),
    )


def _note_published(campaign: Campaign, *, now: datetime) -> None:
    refused = campaign.outward_acts.filter(
        verb=Verb.PUBLISH, purpose="", state__in=[OutwardAct.State.FAILED, OutwardAct.State.NEEDS_HUMAN]
    ).order_by("id")
    first = refused.first()
    if first is not None:
        raise CannotPublish(
            say_count(refused.count(), f"HIT of the campaign {campaign} was", f"HITs of the campaign {campaign} were")
            + f" not published: {first.problem}"
        )
    campaign.refresh_from_db()
    if campaign.state == Campaign.State.QUOTED:
        campaign.state = Campaign.State.PUBLISHED
        campaign.published_at = now
    campaign.problem = ""
    campaign.save(update_fields=["state", "published_at", "problem"])


def pause_campaign(*, campaign: Campaign, is_paused: bool) -> None:
    """A paused campaign spends nothing more. People who have started finish and are paid."""
    Campaign.objects.filter(pk=campaign.pk).update(is_paused=is_paused)


def withdraw_campaign(session: Session) -> int:
    """Nobody can take a HIT any more. Work that was started may be finished, and is paid.

    Raises CannotPublish if a HIT may be there that the marketplace does not list yet.
    """
    campaign = session.campaign
    pause_campaign(campaign=campaign, is_paused=True)
    with session.hold():
        # A publication whose process died may have left HITs that people can take. What still waits is said at the end.
        with contextlib.suppress(RealMoneyRefused, OutcomeUnknown):
            session.settle()
        never_sent = give_up_asks(campaign, why="Withdrawn before it was sent.", now=session.clock())
        unpublished = campaign.hits.filter(state=HIT.State.COMPOSED, outward_acts__in=never_sent)
        unpublished.update(state=HIT.State.CANCELED, n_released=F("n_assignments"))
        for hit in campaign.hits.filter(state=HIT.State.PUBLISHED).exclude(external_id="").order_by("id"):
            # Withdrawn, given more time and withdrawn again are two acts.
            n_prolonged = hit.outward_acts.filter(verb=Verb.PROLONG).count()
            key = make_key(
                "UpdateExpirationForHIT", hit.public_id, hit.n_assignments, *([n_prolonged] * bool(n_prolonged))
            )
            session.write(Decision(act=Stop(hit_id=hit.external_id), key=key, hit=hit))
        try:
            return session.settle()
        except OutcomeUnknown:
            unlisted = list_stopped(campaign).filter(state=OutwardAct.State.UNKNOWN)
            if minutes := session.marketplace.facts.lists_within // timedelta(minutes=1) * unlisted.exists():
                raise CannotPublish(
                    f"Whether {say_count(unlisted.count(), 'HIT')} of {campaign} came to be is not known, and the "
                    f"marketplace may list it up to {say_count(minutes, 'minute')} later. People may find it until "
                    "then: withdraw the campaign again."
                ) from None
            raise


def check_closing(campaign: Campaign, *, leaves_unapproved: bool) -> None:
    """Raises CannotPublish if answers wait for approval, unless the marketplace's automatic approval is to pay them."""
    n = Assignment.objects.filter(hit__campaign=campaign, state=Assignment.State.SUBMITTED).count()
    if n and not leaves_unapproved:
        raise CannotPublish(
            f"{say_count(n, f'answer of {campaign} is', f'answers of {campaign} are')} not approved yet. Approve "
            "first, or leave it to the marketplace's automatic approval (--leave-unapproved)."
        )


def close_campaign(*, campaign: Campaign) -> None:
    """Nothing more will be asked or paid. Raises CannotPublish, CampaignBusy."""
    with hold_campaign(campaign):
        if campaign.hits.filter(state=HIT.State.PUBLISHED).exists():
            raise CannotPublish("HITs are still open: withdraw the campaign, or collect what is missing.")
        if n_due := list_due(campaign).count():
            raise CannotPublish(
                say_count(n_due, f"decision about {campaign} is", f"decisions about {campaign} are")
                + " not carried out yet: let the campaign go on, or withdraw it."
            )
        Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.CLOSED)
