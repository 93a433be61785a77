"""From composed HITs to HITs that people can take, and back: quote, publish, pause, more time, withdraw, close."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from annotator.accounts.models import Role
from annotator.accounts.roles import MIN_ROLE, Permission
from annotator.crowd.campaigns import quoting
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.crops import CropsGone
from annotator.crowd.campaigns.extending import give_time
from annotator.crowd.campaigns.openness import find_openness
from annotator.crowd.campaigns.publishing import (
    CannotPublish,
    check_closing,
    check_unchanged,
    close_campaign,
    pause_campaign,
    publish_campaign,
    withdraw_campaign,
)
from annotator.crowd.campaigns.quoting import CannotQuote
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, Campaign, OutwardAct
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.outbox.performing import list_stopped
from annotator.work.options import option
from annotator.work.states import unless_going, unless_open, unless_taken_back, unless_unclosed
from annotator.work.step import Step, Work
from annotator.work.steps.composing import read_days, read_usd
from workers.engine.plurals import say_count


def quote(work: Work) -> str:
    campaign = work.subject
    quote = quoting.quote_campaign(campaign=campaign, now=work.now)
    work.details["quote_usd"] = str(quote.total_usd)
    return (
        f"Quote: {say_count(quote.n_hits, 'HIT')} x {say_count(campaign.n_assignments, 'assignment')} at "
        f"${campaign.reward_usd:.2f}: ${quote.rewards_usd} rewards + ${quote.fees_usd} fees = ${quote.total_usd} "
        f"(cap ${campaign.budget_cap_usd:.2f}).\n"
        f"About {quote.seconds_per_assignment} s per assignment ({quote.time_from or 'not yet measured'}), "
        f"${quote.hourly_usd} per hour, {quote.hours_of_work} hours of work in all, "
        f"at the marketplace {campaign.marketplace}."
    )


def publish(work: Work) -> str:
    campaign = work.subject
    work.details["quote_usd"] = campaign.quote.get("total_usd", "")
    check_unchanged(campaign, since=work.asked_at)
    publish_campaign(work.open_session())
    n_published = campaign.hits.exclude(external_id="").count()
    place = open_marketplace(campaign.marketplace).facts
    openness = find_openness(campaign, now=timezone.now())
    if n_stopped := list_stopped(campaign).count():
        published = say_count(n_published, "HIT was", "HITs were")
        return f"{published} published, {n_stopped} more will be when the campaign is resumed."
    if not openness.n_open:
        published = say_count(n_published, "HIT was", "HITs were")
        return f"{published} published, and none can be taken now. {openness.words}".rstrip()
    return f"Published {say_count(n_published, 'HIT. People find it', 'HITs. People find them')} at {place.worker_url}"


def pause(work: Work) -> str:
    pause_campaign(campaign=work.subject, is_paused=True)
    return "Paused: nothing more is spent. People at work finish and are paid."


def resume(work: Work) -> str:
    pause_campaign(campaign=work.subject, is_paused=False)
    return "Goes on."


def withdraw(work: Work) -> str:
    session = work.open_session()
    n_withdrawn = withdraw_campaign(session)
    collect_campaign(session)
    open_ones = work.subject.outward_acts.filter(verb=Verb.STOP, hit__state=HIT.State.PUBLISHED)
    if left := open_ones.exclude(state=OutwardAct.State.DONE).order_by("id").last():
        raise CannotPublish(f"The marketplace has not withdrawn {left.hit}: {left.problem}")
    return f"{say_count(n_withdrawn, 'HIT')} withdrawn. Work that was begun may be finished, and is paid."


@dataclass(frozen=True)
class TimeOptions:
    lifetime: float = option(
        "How many days from now people can take the HITs (7)", type=read_days, default=7.0, metavar="DAYS"
    )


def extend_time(work: Work) -> str:
    n_open = give_time(work.open_session(), lifetime=timedelta(days=work.options.lifetime))
    lacking = say_count(n_open, "HIT lacks answers.", "HITs lack answers.")
    return f"{lacking} {find_openness(work.subject, now=timezone.now()).words}"


@dataclass(frozen=True)
class CapOptions:
    budget: Decimal = option("The new cap on all spending", type=read_usd, metavar="USD")


def raise_cap(work: Work) -> str:
    """The row's lock makes the entry say what was, whoever else spends or raises now."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(pk=work.subject.pk)
        before, wanted = campaign.budget_cap_usd, Decimal(work.options.budget)
        if wanted <= before:
            raise CannotPublish(f"The cap of {campaign} is ${before:.2f} already; it can only be raised.")
        Campaign.objects.filter(pk=campaign.pk).update(budget_cap_usd=wanted)
    work.details["cap before"] = f"{before:.2f}"
    return f"The cap is ${wanted:.2f} now; it was ${before:.2f}."


@dataclass(frozen=True)
class CloseOptions:
    leave_unapproved: bool = option(
        "Close although answers are not approved: the marketplace approves them by itself", type=bool, default=False
    )


def check_close(work: Work) -> None:
    check_closing(work.subject, leaves_unapproved=work.options.leave_unapproved)


def close(work: Work) -> str:
    close_campaign(campaign=work.subject)
    return "Closed."


STEPS = (
    Step(
        "quote", "Quote", "Computes the price with fees and the pay per hour.", role=Role.RESEARCHER, run=quote,
        is_quick=True, refusals=(CannotQuote,),
    ),
    Step(
        "publish", "Publish", "Puts every HIT on the marketplace, once.", role=Role.RESEARCHER, run=publish,
        icon="publish", spends=True, refusals=(CannotPublish, CropsGone, BudgetExceeded),
    ),
    Step(
        "pause", "Pause all spending", "Sends nothing more. People at work finish and are paid.",
        role=Role.RESEARCHER, run=pause, icon="pause", is_quick=True,
    ),
    Step(
        "resume", "Resume", "Lets a paused campaign go on.", role=Role.RESEARCHER, run=resume, icon="play_arrow",
        is_quick=True,
    ),
    Step(
        "extend-time", "Give more time", "People can take the HITs that lack answers for longer, also expired ones.",
        role=Role.RESEARCHER, run=extend_time, icon="schedule", why_not=unless_open, options=TimeOptions,
        refusals=(CannotPublish, CropsGone),
    ),
    Step(
        "raise-cap", "Raise the cap", "Lets the campaign spend more. Nothing is spent by it.",
        role=MIN_ROLE[Permission.PUBLISH_WITH_REAL_MONEY], run=raise_cap, icon="account_balance", is_quick=True,
        why_not=unless_unclosed, options=CapOptions, refusals=(CannotPublish,),
    ),
    Step(
        "withdraw", "Withdraw every HIT",
        "Nobody can take a HIT any more. Work that was begun may be finished, and is paid.", role=Role.RESEARCHER,
        run=withdraw, icon="block", is_last=True, why_not=unless_taken_back, refusals=(CannotPublish,),
    ),
    Step(
        "close", "Close the campaign", "Nothing more will be asked or paid.", role=Role.RESEARCHER, run=close,
        icon="inventory_2", is_last=True, why_not=unless_going, check=check_close, options=CloseOptions,
        refusals=(CannotPublish,),
    ),
)  # fmt: skip
