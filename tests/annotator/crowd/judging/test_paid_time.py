"""Which seconds are paid, and whose time is compared with whose before a top-up is left to a person."""

from datetime import UTC, datetime, timedelta

from annotator.crowd.judging.paid_time import find_paid_seconds, find_slow
from annotator.crowd.models import Assignment


def test_a_persons_time_is_never_compared_with_a_programs() -> None:
    paid = {1: 90.0, 2: 5.0, 3: 6.0, 4: 7.0}
    workers = {row: row for row in paid}
    assert find_slow(paid, workers=workers) == {1}
    assert find_slow(paid, workers=workers, simulated={2, 3, 4}) == set()
    assert find_slow(paid | {5: 9.0, 6: 9.0, 7: 9.0, 8: 91.0}, workers={n: n for n in range(1, 9)},
                     simulated={2, 3, 4, 8}) == {8}  # fmt: skip


def at(seconds: float) -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=seconds)


def seen(
    number: int, worker: int, active: float, *, ours: tuple[int, ...] = (), theirs: tuple[int, ...] = ()
) -> Assignment:
    """What the browser claims, and by our clock and the marketplace's when the work began and ended."""
    row = Assignment(pk=number, worker_id=worker, active_seconds=active)
    row.started_at, row.stored_at = (at(one) for one in ours) if ours else (None, None)
    row.accepted_at, row.submitted_at = (at(one) for one in theirs) if theirs else (None, None)
    return row


def test_seconds_are_paid_as_far_as_a_clock_saw_them() -> None:
    found = find_paid_seconds([
        seen(1, 1, 50, ours=(0, 100)),
        seen(2, 2, 50, theirs=(0, 40)),
        seen(3, 3, 50, ours=(0, 100), theirs=(0, 30)),
        seen(4, 4, 50),
    ])  # fmt: skip
    assert found == {1: 50, 2: 40, 3: 30, 4: 0}


def test_a_persons_answers_share_the_time_in_which_they_overlap() -> None:
    rows = [seen(1, 1, 100, ours=(0, 100)), seen(2, 1, 100, ours=(0, 100)), seen(3, 1, 100, ours=(100, 200))]
    assert find_paid_seconds([*rows, seen(4, 2, 100, ours=(0, 100))]) == {1: 50, 2: 50, 3: 100, 4: 100}
