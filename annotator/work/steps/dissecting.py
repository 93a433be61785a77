"""Cancels a dissection, tries it again, or deletes it with its files."""

from dataclasses import dataclass

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.evidence import looking
from annotator.program import name_command
from annotator.refusals import Refusal
from annotator.units.managing import (
    CannotChange,
    StoreSilent,
    cancel_dissection,
    delete_dissection,
    retry_dissection,
)
from annotator.units.models import Dissection
from annotator.work.confirming import NotConfirmed, check_confirmed
from annotator.work.options import option
from annotator.work.states import unless_given_up, unless_running, unless_unfinished
from annotator.work.step import Step, Work

N_NAMED = 5


class DissectionInUse(Refusal):
    """Campaigns show the dissection's crops or are compared with its labels."""


def cancel(work: Work) -> str:
    cancel_dissection(work.subject, now=work.now)
    return "Canceled. What was measured so far is kept: try it again to go on."


@dataclass(frozen=True)
class RetryOptions:
    afresh: bool = option("Measure everything again, also what is measured", type=bool, default=False)


def retry(work: Work) -> str:
    retry_dissection(work.subject, is_afresh=work.options.afresh, now=work.now)
    return f"Started again. From a terminal: {name_command(f'dissect --resume {work.subject.pk}')}"


@dataclass(frozen=True)
class DeleteOptions:
    yes: bool = option("Delete it for good", type=bool, default=False)


def check_delete(work: Work) -> None:
    check_confirmed(work.options.yes, what=f"The dissection {work.subject.pk}, its crops and its measures are deleted.")


def delete(work: Work) -> str:
    dissection = work.subject
    if campaigns := list_users(dissection):
        named = ", ".join(campaigns[:N_NAMED]) + (" and others" if len(campaigns) > N_NAMED else "")
        raise DissectionInUse(f"The dissection {dissection.pk} is used by campaigns: {named}. Delete them first.")
    delete_dissection(dissection)
    looking.forget(dissection)
    return "Deleted with its crops and its measures."


def list_users(dissection: Dissection) -> list[str]:
    """The names of the campaigns that show its units, or whose labels are compared with its automatic labels."""
    shown = Campaign.objects.filter(hits__hit_units__dissected_unit__dissection=dissection)
    compared = Campaign.objects.filter(unit_labels__comparison__automatic_label__dissection=dissection)
    return list(shown.union(compared).order_by("name").values_list("name", flat=True))


STEPS = (
    Step(
        "cancel-dissection", "Cancel", "Ends the dissection. What was measured so far is kept for another try.",
        role=Role.RESEARCHER, subject="dissection", run=cancel, icon="cancel", is_quick=True,
        why_not=unless_unfinished, refusals=(CannotChange,),
    ),
    Step(
        "retry-dissection", "Try again", "Goes on with what is measured already.", role=Role.RESEARCHER,
        subject="dissection", run=retry, icon="replay", is_quick=True, options=RetryOptions,
        why_not=unless_given_up, refusals=(CannotChange, StoreSilent),
    ),
    Step(
        "delete-dissection", "Delete the dissection",
        "Deletes its crops, measures and automatic labels, files included. Its network and image set stay.",
        role=Role.RESEARCHER, subject="dissection", run=delete, icon="delete", is_quick=True, is_last=True,
        options=DeleteOptions, check=check_delete,
        why_not=unless_running,
        refusals=(CannotChange, DissectionInUse, NotConfirmed, StoreSilent),
    ),
)  # fmt: skip
