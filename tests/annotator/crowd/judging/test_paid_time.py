"""Whose time is compared with whose before a top-up is left to a person."""

from annotator.crowd.judging.paid_time import find_slow


def test_a_persons_time_is_never_compared_with_a_programs() -> None:
    paid = {1: 90.0, 2: 5.0, 3: 6.0, 4: 7.0}
    workers = {row: row for row in paid}
    assert find_slow(paid, workers=workers) == {1}
    assert find_slow(paid, workers=workers, simulated={2, 3, 4}) == set()
    assert find_slow(paid | {5: 9.0, 6: 9.0, 7: 9.0, 8: 91.0}, workers={n: n for n in range(1, 9)},
                     simulated={2, 3, 4, 8}) == {8}  # fmt: skip
