"""Puts answers together into labels, sets them beside what labeled pixels say, and asks for more answers."""

from dataclasses import dataclass, replace

from django.db.models import QuerySet

from annotator.accounts.models import Role
from annotator.comparison.comparing import LabelsChanged, NothingToCompare, compare_campaign
from annotator.crowd.campaigns.crops import CropsGone
from annotator.crowd.campaigns.extending import check_extension, compute_extension_cost, extend_hits
from annotator.crowd.campaigns.publishing import CannotPublish
from annotator.crowd.judging.excluding import tell_set_aside
from annotator.crowd.marketplaces.outcomes import BadTerms
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, Campaign, HITUnit
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.labels.extending import CannotExtend, extend_campaign, find_saving
from annotator.labels.labeling import NothingToLabel, OtherLexicon
from annotator.labels.recording import label_campaign
from annotator.shares import read_share
from annotator.work.options import option
from annotator.work.states import unless_adaptive, unless_answered, unless_finished, unless_labeled
from annotator.work.step import Step, Work
from workers.engine.plurals import say_count


@dataclass(frozen=True)
class LabelOptions:
    keep_suspected: bool = option(
        "Count the answers that would be set aside on evidence; otherwise they are set aside and paid",
        type=bool, default=False,
    )  # fmt: skip


@dataclass(frozen=True)
class ExtendOptions:
    widest: float | None = option(
        "Widest 95 %% interval of precision that is good enough, such as 0.2 or 20 %%", type=read_share, default=None,
        metavar="WIDTH",
    )  # fmt: skip


@dataclass(frozen=True)
class AskAllOptions:
    n_more: int = option("How many more people are asked about each unit (2)", type=int, default=2, metavar="N")


@dataclass(frozen=True)
class AskMoreOptions:
    n_more: int = option("How many more people are asked (2)", type=int, default=2, metavar="N", reach="command")
    target: int | None = option(
        "Ask until so many were asked in all; default: from how many there are now",
        type=int, default=None, metavar="N", reach="command",
    )  # fmt: skip


def label(work: Work) -> str:
    done = label_campaign(campaign=work.subject, now=work.now, keeps_suspected=work.options.keep_suspected)
    work.details["suspected answers"] = len(done.suspected.reasons)
    return (
        f"{say_count(done.n_units, 'unit')} labeled from {say_count(done.n_answers, 'answer')}; "
        f"{say_count(done.n_interpretable, 'of these units has', 'of these units have')} a mean precision over .75. "
        f"{tell_set_aside(done.suspected)} `report` gives the layers' figures. Words: {done.words}."
    )


def compare(work: Work) -> str:
    return f"{say_count(compare_campaign(campaign=work.subject).n_units, 'unit')} compared."


def extend(work: Work) -> str:
    reasons = extend_campaign(work.open_session(), widest=work.options.widest)
    hits = HIT.objects.in_bulk(list(reasons))
    for pk, reason in reasons.items():
        work.tell(f"{hits[pk].name_units()}: one more ({reason})")
    saving = find_saving(work.subject)
    return (
        f"{len(reasons) or 'Nothing'} in doubt. {say_count(saving.n_asked, 'assignment')} asked for so far, where "
        f"{saving.n_fixed} would be a fixed number: ${saving.saved_usd:.2f} ({saving.share:.0%}) saved."
    )


def fix_target(work: Work) -> AskMoreOptions:
    """Asked again while the first time is unanswered, it is the same target: nobody is asked twice."""
    options: AskMoreOptions = work.options
    hit = _list_hits(work).first()
    if hit is None or options.target:
        return options
    return replace(options, target=hit.n_assignments + options.n_more)


def ask_more(work: Work) -> str:
    hit, asked = _find_hit(work), work.options
    target = asked.target or hit.n_assignments + asked.n_more
    if target > hit.n_assignments:
        extend_hits(work.open_session(), n_more={hit.pk: target - hit.n_assignments})
    return f"More answers are asked for: {target} in all."


def check_all(work: Work) -> None:
    """One sentence for all: what it costs, and what is left."""
    hits, n_more = _list_finished(work.subject), work.options.n_more
    if not hits:
        raise CannotPublish(f"No HIT of {work.subject} is finished; wait, or give it more time.")
    marketplace = open_marketplace(work.subject.marketplace)
    for hit in hits:
        check_extension(hit, n_more=n_more, marketplace=marketplace)
    price = sum(compute_extension_cost(hit, n_more=n_more, fees=marketplace.facts.fees) for hit in hits)
    left = work.subject.budget_cap_usd - work.subject.committed_usd
    if price > left:
        on = say_count(len(hits), "HIT")
        raise BudgetExceeded(
            f"{say_count(n_more, f'more answer on {on} costs', f'more answers on {on} cost')} ${price:.2f}, and "
            f"${left:.2f} of the cap is left. A payer can raise the cap."
        )


def ask_all(work: Work) -> str:
    hits, n_more = _list_finished(work.subject), work.options.n_more
    extend_hits(work.open_session(), n_more={hit.pk: n_more for hit in hits})
    return (
        f"{say_count(n_more, 'more answer is', 'more answers are')} asked for on each of {say_count(len(hits), 'HIT')}."
    )


def _list_finished(campaign: Campaign) -> list[HIT]:
    """HITs that have all their answers and show no silent unit."""
    hits = campaign.hits.filter(state=HIT.State.COMPLETE).exclude(external_id="").order_by("id")
    units = HITUnit.objects.filter(hit__campaign=campaign, dissected_unit__isnull=False)
    silent = units.exclude(dissected_unit__silence="").values("hit")
    return list(hits.exclude(pk__in=silent).select_related("campaign"))


def check_more(work: Work) -> None:
    """Told at once, not after the queue's work: the reviewer goes on to the next unit."""
    hit, n_more = _find_hit(work), work.options.n_more
    campaign = hit.campaign
    marketplace = open_marketplace(campaign.marketplace)
    check_extension(hit, n_more=n_more, marketplace=marketplace)
    price = compute_extension_cost(hit, n_more=n_more, fees=marketplace.facts.fees)
    left = campaign.budget_cap_usd - campaign.committed_usd
    if price > left:
        raise BudgetExceeded(
            f"{say_count(n_more, 'more answer costs', 'more answers cost')} ${price:.2f}, and ${left:.2f} of the cap "
            "is left."
        )


def _list_hits(work: Work) -> QuerySet[HIT]:
    hits = HIT.objects.filter(campaign=work.subject.campaign, hit_units__unit=work.subject.unit)
    return hits.select_related("campaign").exclude(external_id="")


def _find_hit(work: Work) -> HIT:
    hit = _list_hits(work).first()
    if hit is None:
        raise CannotPublish("This unit has no HIT on a marketplace that could be extended.")
    return hit


STEPS = (
    Step(
        "label", "Label the units", "Puts the answers together: concept, category and precision of each unit.",
        role=Role.RESEARCHER, run=label, icon="label", why_not=unless_answered, options=LabelOptions,
        refusals=(NothingToLabel,),
    ),
    Step(
        "extend", "Ask more where in doubt", "One more answer for each unit whose answers disagree, within the cap.",
        role=Role.RESEARCHER, run=extend, icon="group_add", spends=True, why_not=unless_adaptive,
        options=ExtendOptions, refusals=(CannotExtend, CannotPublish, CropsGone, BadTerms, BudgetExceeded),
    ),
    Step(
        "ask-all", "Ask more about each unit", "More answers for every finished HIT, within the cap.",
        role=Role.RESEARCHER, run=ask_all, icon="group_add", spends=True, check=check_all, why_not=unless_finished,
        options=AskAllOptions, refusals=(CannotPublish, CropsGone, BadTerms, BudgetExceeded),
    ),
    Step(
        "ask-more", "Send back", "Asks two more people about one unit, within the cap.", role=Role.REVIEWER,
        subject="unit label", run=ask_more, spends=True, check=check_more, fix_options=fix_target,
        options=AskMoreOptions, refusals=(CannotPublish, CropsGone, BadTerms, BudgetExceeded),
    ),
    Step(
        "compare", "Compare with labeled pixels", "Sets each label beside the one that labeled pixels give.",
        role=Role.RESEARCHER, run=compare, icon="difference", why_not=unless_labeled,
        refusals=(NothingToCompare, OtherLexicon, LabelsChanged),
    ),
)  # fmt: skip
