"""Changes or deletes a campaign before it is published, and throws a rehearsal away."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db import transaction

from annotator.accounts.models import Role
from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.deleting import CannotDelete, delete_unpublished
from annotator.crowd.campaigns.editing import CannotEdit, edit_terms
from annotator.crowd.hit_types.templates import BadTemplate
from annotator.crowd.judging.throwing_away import check_rehearsal, delete_rehearsal, empty_rehearsal
from annotator.crowd.marketplaces.outcomes import BadTerms
from annotator.crowd.marketplaces.requirements import BadQualification
from annotator.crowd.marketplaces.table import MARKETPLACES
from annotator.crowd.models import Campaign
from annotator.labels.recording import keep_record
from annotator.studies.models import StudyRound
from annotator.work.confirming import NotConfirmed, check_confirmed
from annotator.work.options import option
from annotator.work.states import unless_draft, unless_playing
from annotator.work.step import Step, Work
from annotator.work.steps.composing import DAY_SECONDS, list_qualifications, read_days, read_usd
from workers.engine.plurals import say_count


@dataclass(frozen=True)
class EditOptions:
    """What is None stays as it is; 0, or an empty text, takes the value away."""

    assignments: int | None = option("People asked about each unit", type=int, default=None, metavar="N")
    max_assignments: int | None = option(
        "Ask up to this many if people disagree; 0: no more", type=int, default=None, metavar="N"
    )
    reward: Decimal | None = option("For one assignment", type=read_usd, default=None, metavar="USD")
    budget: Decimal | None = option("Cap on all spending", type=read_usd, default=None, metavar="USD")
    policy: str | None = option("What a missed planted negative leads to", choices=Campaign.Policy.values, default=None)
    marketplace: str | None = option("Where people find the HITs", choices=list(MARKETPLACES), default=None)
    requester_name: str | None = option("Who asks, in the consent", default=None)
    contact: str | None = option("Where workers reach you, in the consent", default=None)
    ethics_number: str | None = option("In the consent", default=None)
    lifetime: float | None = option(
        "How many days people can take the HITs", type=read_days, default=None, metavar="DAYS"
    )
    max_per_worker: int | None = option("At most so many HITs by one person; 0: any", type=int, default=None)
    country: tuple[str, ...] | None = option("Only people there; several times for several", default=(), metavar="US")
    min_approval: int | None = option("Only people with this approval rate; 0: any", type=int, default=None)
    min_approved: int | None = option("Only people with so many approved HITs; 0: any", type=int, default=None)
    exclude: tuple[str, ...] | None = option("Nobody who worked in that campaign", default=(), metavar="CAMPAIGN")
    screening: int | None = option(
        "Only people who passed the HIT type's test with this score; 0: no test", type=int, default=None
    )


# Columns of the campaign that an option sets as it is.
_PLAIN = {
    "assignments": "n_assignments", "reward": "reward_usd", "budget": "budget_cap_usd", "policy": "policy",
    "marketplace": "marketplace", "requester_name": "requester_name", "contact": "contact",
    "ethics_number": "ethics_number",
}  # fmt: skip
# For these, 0 means: none.
_OPTIONAL = {"max_assignments": "max_assignments", "max_per_worker": "max_hits_per_worker"}
# What the frozen plan of a study says of its rounds.
_PLANNED = ("assignments", "max_assignments", "reward", "marketplace")
_QUALIFYING = ("country", "min_approval", "min_approved", "exclude", "screening")


def edit(work: Work) -> str:
    asked = {one.name: getattr(work.options, one.name) for one in fields(work.options)}
    given = {name: value for name, value in asked.items() if value not in (None, ())}
    if not given:
        raise CannotEdit("Say what is to change, such as --reward 0.80.")
    _check_not_planned(work.subject, given)
    changes = _list_changes(work.subject, given)
    before = edit_terms(work.subject, changes=changes, now=work.now)
    work.details["before"] = {name: str(value) for name, value in before.items()}
    work.subject.refresh_from_db()
    quote = work.subject.quote.get("total_usd")
    return f"Changed: {', '.join(sorted(given))}.{f' The quote is ${quote} now.' if quote else ''}"


def _check_not_planned(campaign: Campaign, given: dict[str, Any]) -> None:
    """Raises CannotEdit for what the report of the campaign's study would go on to say as it was planned."""
    planned = [name for name in _PLANNED if name in given]
    one = StudyRound.objects.filter(campaign=campaign).select_related("study").first()
    if planned and one:
        raise CannotEdit(
            f"{', '.join(planned)}: the frozen plan of the study {one.study.name} says this. Delete the study, and "
            "plan it anew with other terms."
        )


def _list_changes(campaign: Campaign, given: dict[str, Any]) -> dict[str, Any]:
    """By column of the campaign, its new value."""
    changes = {column: given[name] for name, column in _PLAIN.items() if name in given}
    changes |= {column: given[name] or None for name, column in _OPTIONAL.items() if name in given}
    if "lifetime" in given:
        changes["lifetime_seconds"] = round(given["lifetime"] * DAY_SECONDS) or None
    if any(name in given for name in _QUALIFYING):
        asked = read_qualifying(campaign) | {name: given[name] for name in _QUALIFYING if name in given}
        template = campaign.hit_types.get().template
        changes["qualifications"] = list_qualifications(**asked, template=template)
    return changes


def read_qualifying(campaign: Campaign) -> dict[str, Any]:
    """Who may take part, as the options say it."""
    kept = campaign.qualifications
    return {
        "country": tuple(kept.get("locales", ())),
        "min_approval": kept.get("min_approval_percent"),
        "min_approved": kept.get("min_approved"),
        "exclude": tuple(kept.get("excluded_campaigns", ())),
        "screening": kept.get("screening", {}).get("least_percent"),
    }


@dataclass(frozen=True)
class ConfirmOptions:
    yes: bool = option("Delete it for good", type=bool, default=False)


def check_delete(work: Work) -> None:
    check_confirmed(work.options.yes, what=f"The campaign {work.subject} and its HITs are deleted.")


def delete(work: Work) -> str:
    delete_unpublished(work.subject)
    return "Deleted. Nothing of it was published."


def check_throwing_away(work: Work) -> None:
    check_rehearsal(work.subject)
    check_confirmed(work.options.yes, what=f"The answers and labels of {work.subject} are deleted with it.")


def throw_away(work: Work) -> str:
    """The labels of record are chosen again without it, in the transaction that deletes its own."""
    session = work.open_session()
    empty_rehearsal(session)
    with transaction.atomic():
        units = set(work.subject.unit_labels.values_list("unit_id", flat=True))
        gone = delete_rehearsal(session)
        keep_record(units=units, now=work.now)
    return (
        f"Thrown away: {say_count(gone.n_hits, 'HIT')} with {say_count(gone.n_answers, 'answer')} by simulated people. "
        f"${gone.paid_usd} was paid to them before; the rest of the play money is free again."
    )


STEPS = (
    Step(
        "edit", "Change the terms", "Changes the terms before the campaign is published; its units stay.",
        role=Role.RESEARCHER, run=edit, icon="edit", is_quick=True, options=EditOptions,
        refusals=(CannotEdit, CannotDelete, CannotCompose, BadTerms, BadQualification, BadTemplate),
    ),
    Step(
        "delete", "Delete the campaign", "Deletes a campaign that was never published.", role=Role.RESEARCHER,
        run=delete, icon="delete", is_quick=True, is_last=True, why_not=unless_draft, options=ConfirmOptions,
        check=check_delete, refusals=(CannotDelete, NotConfirmed),
    ),
    Step(
        "throw-away", "Throw the rehearsal away",
        "Withdraws the HITs and deletes the campaign with its answers and labels, if nobody but simulated people "
        "worked on it.",
        role=Role.RESEARCHER, run=throw_away, icon="delete_sweep", is_last=True, why_not=unless_playing,
        options=ConfirmOptions, check=check_throwing_away, refusals=(CannotDelete, NotConfirmed),
    ),
)  # fmt: skip
