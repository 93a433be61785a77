"""Sets suspected answers aside: they are not counted, and the reason is kept. Nobody is paid less for it.

The rule decides again each time, from all answers by then. What a person decided about an answer stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F

from annotator.crowd.judging.indifference import WordComparison
from annotator.crowd.judging.suspicions import JudgedAnswer, Suspicions, judge_workers
from annotator.crowd.models import ANSWERED, Answer, Assignment, Campaign
from workers.engine.plurals import say_count

# As `count_decided_by`. The names of persons have no space.
RULE = "the rule"


@dataclass(frozen=True)
class SetAside:
    """An answer that is not counted, or is suspected and counted all the same.

    `worker`: the pseudonym, None if it is not known.
    """

    assignment: int
    worker: str | None
    reason: str
    decided_by: str
    is_counted: bool


@dataclass(frozen=True)
class Suspected:
    """What the rule found. `reasons`: by assignment; they are set aside unless `is_kept`."""

    reasons: Mapping[int, str]
    n_workers: int
    is_kept: bool


def set_aside_suspected(*, campaign: Campaign, keeps: bool, words: WordComparison) -> Suspected:
    """Applies the rule to all answers that no person decided about. `keeps`: suspected answers count all the same.

    The choice is kept with the campaign. `words`: how descriptions are compared.
    """
    given = list_judged_answers(campaign)
    reasons = Suspicions(workers=judge_workers(given, words)).find_set_aside(given)
    workers = {answer.assignment: answer.worker for answer in given}
    open_rows = Assignment.objects.filter(hit__campaign=campaign, count_decided_by__in=["", RULE])
    undecided = set(open_rows.filter(pk__in=list(reasons)).values_list("pk", flat=True))
    found = {pk: reason for pk, reason in reasons.items() if pk in undecided}
    with transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(keeps_suspected=keeps)
        campaign.keeps_suspected = keeps
        _apply(campaign, found, is_left_out=not keeps)
    return Suspected(reasons=found, n_workers=len({workers[pk] for pk in found}), is_kept=keeps)


def _apply(campaign: Campaign, reasons: Mapping[int, str], *, is_left_out: bool) -> None:
    """The reason stands with a suspected answer that counts, too."""
    by_rule = Assignment.objects.filter(hit__campaign=campaign, count_decided_by=RULE)
    by_rule.exclude(pk__in=list(reasons)).update(is_left_out=False, left_out_reason="", count_decided_by="")
    # As they are now: a person may have decided since the answers were judged, and then no rule changes that.
    undecided = Assignment.objects.select_for_update().filter(pk__in=list(reasons), count_decided_by__in=["", RULE])
    rows = list(undecided.order_by("pk").only("pk"))
    for row in rows:
        row.is_left_out, row.left_out_reason, row.count_decided_by = is_left_out, reasons[row.pk], RULE
    fields = ["is_left_out", "left_out_reason", "count_decided_by"]
    Assignment.objects.bulk_update(rows, fields, batch_size=500)


def tell_set_aside(found: Suspected) -> str:
    """One sentence for command output and pages."""
    if not found.reasons:
        return "No answer is suspected."
    counted = f"{say_count(len(found.reasons), 'answer')} of {say_count(found.n_workers, 'person')}"
    if found.is_kept:
        return f"Suspected, and counted as asked: {counted}."
    return f"Set aside on evidence, and paid: {counted}."


def list_set_aside(campaign: Campaign) -> list[SetAside]:
    """What the rule and persons decided about answers that were not rejected, by worker."""
    # Answers without a reason are many; those with one have an index of their own.
    rows = Assignment.objects.filter(hit__campaign=campaign, state__in=ANSWERED).exclude(left_out_reason="")
    values = rows.order_by("worker__pseudonym", "pk").values_list(
        "pk", "worker__pseudonym", "left_out_reason", "count_decided_by", "is_left_out"
    )
    return [
        SetAside(assignment=pk, worker=worker, reason=reason, decided_by=by, is_counted=not is_left_out)
        for pk, worker, reason, by, is_left_out in values
    ]


def list_judged_answers(campaign: Campaign) -> list[JudgedAnswer]:
    """The campaign's answers in the form that suspicions are found in."""
    rows = Answer.objects.filter(
        assignment__hit__campaign=campaign, assignment__state__in=ANSWERED, precision__isnull=False
    )
    # Plain values: labeling reads all answers of a campaign, and model instances would take most of the time.
    values = rows.order_by("assignment_id", "hit_unit__position").values(
        "assignment_id", "description", "category", "precision", "marked_ranks", "planted_ranks", "n_planted_missed",
        unit=F("hit_unit__unit"), worker=F("assignment__worker__pseudonym"),
        active_seconds=F("assignment__active_seconds"), is_simulated=F("assignment__worker__is_simulated"),
    )  # fmt: skip
    return [_read(row) for row in values.iterator(chunk_size=2000)]


def _read(row: Mapping[str, Any]) -> JudgedAnswer:
    return JudgedAnswer(
        assignment=row["assignment_id"],
        unit=row["unit"],
        worker=row["worker"],
        description=row["description"] or "",
        category=row["category"] or "",
        precision=row["precision"],
        n_marked=len(row["marked_ranks"] or ()),
        n_planted=len(row["planted_ranks"]),
        n_planted_missed=row["n_planted_missed"] or 0,
        active_seconds=row["active_seconds"],
        is_simulated=bool(row["is_simulated"]),
    )
