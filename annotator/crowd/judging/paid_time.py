"""Which time is paid: the time that the page measured, as far as clocks that are not the browser's allow it.

Nobody works on two HITs in the same second. If one person's HITs overlap and they claim more seconds together than
passed while they were open, each HIT's seconds are shortened in the same proportion.
"""

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from annotator.crowd.assignments import bound_seconds
from annotator.crowd.models import ANSWERED, Assignment

# A top-up for longer work than this many medians of other people's is left to a person.
SLOW_MEDIANS = 10.0
# With fewer other people their median says too little.
MIN_OTHERS = 3


@dataclass(frozen=True)
class Stretch:
    """One assignment's claim to paid time."""

    key: int
    begin: datetime
    end: datetime
    seconds: float


def find_paid_seconds(assignments: Iterable[Assignment]) -> dict[int, float]:
    """Assignment's row -> paid seconds; 0 if no clock of ours or of the marketplace saw the work.

    All answers of a person count against each other, so that they come in here with all of them.
    """
    by_worker: dict[int | None, list[Stretch]] = {}
    paid: dict[int, float] = {}
    for row in assignments:
        begin, end = row.started_at or row.accepted_at, row.stored_at or row.submitted_at
        if begin is None or end is None:
            paid[row.pk] = 0.0
            continue
        seconds = min(row.active_seconds, bound_seconds(row, ended_at=row.stored_at))
        by_worker.setdefault(row.worker_id, []).append(Stretch(row.pk, begin, end, seconds))
    for stretches in by_worker.values():
        paid |= share_time(stretches)
    return paid


def share_time(stretches: Sequence[Stretch]) -> dict[int, float]:
    """Key -> seconds: within each run of overlapping stretches, no more together than the run is long."""
    shared: dict[int, float] = {}
    run: list[Stretch] = []
    for one in sorted(stretches, key=lambda one: (one.begin, one.end, one.key)):
        if run and one.begin >= max(other.end for other in run):
            shared |= _share_run(run)
            run = []
        run.append(one)
    return shared | (_share_run(run) if run else {})


def _share_run(run: Sequence[Stretch]) -> dict[int, float]:
    length = (max(one.end for one in run) - run[0].begin).total_seconds()
    claimed = sum(one.seconds for one in run)
    share = min(1.0, max(0.0, length) / claimed) if claimed else 0.0
    return {one.key: one.seconds * share for one in run}


def find_slow(
    paid: Mapping[int, float], *, workers: Mapping[int, int | None], simulated: Collection[int | None] = ()
) -> set[int]:
    """Rows whose time is over SLOW_MEDIANS times the median of other people's medians.

    One value per person: nobody moves the median by many HITs of their own. `workers`: row -> worker. `simulated`: the
    workers that are programs; people are compared with people alone.
    """
    by_worker: dict[int | None, list[float]] = {}
    for pk, seconds in paid.items():
        by_worker.setdefault(workers[pk], []).append(seconds)
    medians = {worker: statistics.median(values) for worker, values in by_worker.items()}
    slow = set()
    for worker in by_worker:
        alike = {other for other in medians if (other in simulated) == (worker in simulated)}
        others = [median for other, median in medians.items() if other != worker and other in alike]
        if len(others) >= MIN_OTHERS:
            most = SLOW_MEDIANS * statistics.median(others)
            slow |= {pk for pk in paid if workers[pk] == worker and paid[pk] > most}
    return slow


def list_answers_of_people(campaign_id: int) -> list[Assignment]:
    """Every answer of everybody who answered in this campaign, also in other campaigns.

    Imported answers are left out: they may be copies of these, and nothing is paid for them here.
    """
    people = Assignment.objects.filter(hit__campaign=campaign_id, state__in=ANSWERED).values("worker")
    answers = Assignment.objects.filter(worker__in=people, state__in=ANSWERED, hit__campaign__is_imported=False)
    return list(answers.select_related("worker", "hit__hit_type").order_by("id"))
