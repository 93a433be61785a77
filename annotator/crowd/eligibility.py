"""Who may not work on a HIT, or is not counted on it: each person answers about a unit once, and up to a share."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext

from annotator.crowd.hit_types.templates import list_shows_photographs
from annotator.crowd.models import HIT, OPEN, Assignment, Worker
from workers.engine.plurals import say_count

# As `count_decided_by`; the names of persons have no space.
INDEPENDENCE = "one answer per person"


@dataclass(frozen=True)
class Bar:
    """`words` are for the person; `reason` is for the requester, if the answer has come all the same."""

    words: str
    reason: str


def find_bar(*, hit: HIT, earlier: QuerySet[Assignment]) -> Bar | None:
    """Why a person with these earlier assignments may not work on this HIT; None if they may.

    One answer per person and unit, of whatever HIT type that shows crops; one per person and question about
    photographs; and at most the campaign's share per person. Imported answers, which may be copies of this person's,
    bar only where the campaign names theirs as excluded.
    """
    done = earlier.exclude(state__in=OPEN)
    if bar := _find_repeated(hit, done.filter(hit__campaign__is_imported=False)):
        return bar
    excluded = hit.campaign.qualifications.get("excluded_campaigns", [])
    if excluded and done.filter(hit__campaign__name__in=excluded).exists():
        return Bar(
            gettext(
                "You took part in an earlier study of ours that shows the same pictures, so you cannot take this one "
                "too. Please return this HIT: returning it costs you nothing."
            ),
            "This person took part in a campaign that this one excludes.",
        )
    most = hit.campaign.max_hits_per_worker
    if most is not None and done.filter(hit__campaign=hit.campaign).count() >= most:
        return Bar(
            ngettext(
                "This study takes at most {most} HIT from one person, so that many people are heard, and you have "
                "done it. Thank you! Please return this HIT: returning it costs you nothing.",
                "This study takes at most {most} HITs from one person, so that many people are heard, and you have "
                "done them all. Thank you! Please return this HIT: returning it costs you nothing.",
                most,
            ).format(most=most),
            f"This person had already answered {say_count(most, 'HIT')}, the most that one person may.",
        )
    return None


def _find_repeated(hit: HIT, own: QuerySet[Assignment]) -> Bar | None:
    """Whoever saw a unit's crops may judge a description on photographs: neither tells the other."""
    of_photographs = list_shows_photographs()
    if hit.hit_type.template in of_photographs:
        if own.filter(hit__question_key=hit.question_key).exists():
            return Bar(
                gettext(
                    "You have already answered this question, and each person may do so once. Please return this HIT: "
                    "returning it costs you nothing."
                ),
                "This person had already answered this question.",
            )
        return None
    about = own.filter(hit__hit_units__unit__in=hit.hit_units.values("unit"))
    if about.exclude(hit__hit_type__template__in=of_photographs).exists():
        return Bar(
            gettext(
                "You have already worked on this unit, and each person may do so once. Please return this HIT: "
                "returning it costs you nothing."
            ),
            "This person had already answered about this unit.",
        )
    return None


def lock_with_person(assignment_id: int) -> Assignment:
    """The row as it is now and its person, both locked until the end of the caller's transaction.

    Whoever locks both locks the person first. Otherwise two transactions could wait for each other.
    """
    rows = Assignment.objects.select_for_update(of=("self",)).select_related("hit__campaign", "hit__hit_type", "worker")
    while True:
        worker_id = Assignment.objects.values_list("worker_id", flat=True).get(pk=assignment_id)
        with transaction.atomic():
            if worker_id is not None:
                lock_person(worker_id)
            row = rows.get(pk=assignment_id)
            if row.worker_id == worker_id:
                return row
            transaction.set_rollback(True)  # it became this person's meanwhile: let go of the row


def lock_person(worker_id: int) -> Worker:
    """Answers of one person are decided one after another; the caller is in a transaction."""
    return Worker.objects.select_for_update(no_key=True).get(pk=worker_id)


def leave_out_if_barred(row: Assignment) -> None:
    """Decides, when an answer comes, whether it counts; the caller has locked its person, and saves the row.

    Of answers that come at the same time the first one counts. The person is paid for all of them. Answers that were
    left out for this reason bar no others.
    """
    if row.worker_id is None or row.is_left_out:
        return
    earlier = Assignment.objects.filter(worker=row.worker_id).exclude(pk=row.pk)
    counted = earlier.exclude(is_left_out=True, count_decided_by=INDEPENDENCE)
    if not row.count_decided_by and (bar := find_bar(hit=row.hit, earlier=counted)):
        row.is_left_out, row.left_out_reason, row.count_decided_by = True, bar.reason, INDEPENDENCE
