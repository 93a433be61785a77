"""Kappa and alpha against the worked examples that their authors and textbooks print."""

import numpy as np
import pytest

from annotator.labels.reliability import count_labels, estimate, measure, weigh_alpha, weigh_identical, weigh_kappa

# Ten subjects, fourteen raters, five categories: the example printed for Fleiss' kappa, 0.210.
FLEISS = np.array(
    [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ],
    dtype=float,
)  # fmt: skip
# Krippendorff 2011, examples B (two observers, .692) and C (four observers, missing data, .743); "." is no answer.
EXAMPLE_B = ("aabbdcccedda", "babbbccceddd")
EXAMPLE_C = ("123321412...", "1233224125.3", ".3332342251.", "1233244125 1".replace(" ", "") + ".")


def tabulate(observers: tuple[str, ...]) -> list[list[int]]:
    units = zip(*observers, strict=True)
    return [[ord(value) - ord("1") for value in unit if value != "."] for unit in units]


def test_fleiss_kappa_of_the_printed_example() -> None:
    assert measure(weigh_kappa, FLEISS) == pytest.approx(0.210, abs=5e-4)


def test_alpha_of_two_observers() -> None:
    letters = [[ord(a) - ord("a"), ord(b) - ord("a")] for a, b in zip(*EXAMPLE_B, strict=True)]
    assert measure(weigh_alpha, count_labels(letters, n_labels=5)) == pytest.approx(0.692, abs=5e-4)


def test_alpha_with_missing_data() -> None:
    assert measure(weigh_alpha, count_labels(tabulate(EXAMPLE_C), n_labels=5)) == pytest.approx(0.743, abs=5e-4)


def test_units_with_one_answer_say_nothing() -> None:
    more = np.vstack([FLEISS, [[1, 0, 0, 0, 0]] * 5])
    assert measure(weigh_kappa, more) == measure(weigh_kappa, FLEISS)
    assert measure(weigh_alpha, more) == measure(weigh_alpha, FLEISS)


def test_identical_rate_is_the_share_of_pairs() -> None:
    assert measure(weigh_identical, np.array([[2.0, 1.0], [3.0, 0.0]])) == pytest.approx((1 / 3 + 1) / 2)


def test_nothing_is_claimed_where_agreement_is_not_defined() -> None:
    assert estimate(weigh_alpha, np.array([[1.0, 0.0]])).value is None
    assert estimate(weigh_kappa, np.array([[3.0, 0.0], [3.0, 0.0]])).value is None
    assert measure(weigh_kappa, np.array([[3.0, 0.0], [3.0, 0.0]])) is None
    assert measure(weigh_alpha, np.array([[1.0, 0.0]])) is None
    # All pairs are identical: a share has Wilson's interval, and a coefficient that resamples do not move has none.
    alike = np.array([[3.0, 0.0], [0.0, 3.0], [3.0, 0.0]])
    kappa, identical = estimate(weigh_kappa, alike), estimate(weigh_identical, alike)
    assert (kappa.value, kappa.low, kappa.high) == (1, None, None)
    assert (identical.value, identical.low, identical.high) == (1, pytest.approx(0.438, abs=0.001), 1)


def test_bootstrap_interval_holds_the_value_and_repeats() -> None:
    first, again = (estimate(weigh_alpha, FLEISS, n_resamples=200) for _ in range(2))
    assert first == again
    assert first.low is not None
    assert first.high is not None
    assert first.low < (first.value or 0) < first.high
