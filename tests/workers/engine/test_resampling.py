"""Bootstrap and permutation against plain loops, and the coverage of a share's interval by simulation."""

import itertools
from collections import Counter

import numpy as np
import pytest

from workers.engine.resampling import (
    N_RESAMPLES,
    Difference,
    Sampled,
    bootstrap,
    can_permute,
    compare_distinct,
    compare_means,
    compare_samples,
    count_effective,
    derange,
    draw,
    estimate_count,
    estimate_mean,
    estimate_share,
    find_p,
)


def bounds(found: Difference) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("n", [1, 6, 200])
def test_outcomes_that_are_all_equal_are_not_certain(n: int) -> None:
    wrong, right = (estimate_share(np.full(n, flag), seed=1, whole=100.0) for flag in (False, True))
    bound = 100 * 1.959964**2 / (n + 1.959964**2)
    assert (wrong.value, wrong.low, wrong.high) == (0, 0, pytest.approx(bound))
    assert (right.value, right.low, right.high) == (100, pytest.approx(100 - bound), 100)
    some = np.arange(n + 1) > 0
    assert estimate_share(some, seed=1) == estimate_mean(some.astype(float), seed=1)
    assert estimate_share(np.zeros(0), seed=1).value is None
    count = estimate_count(np.full(n, True), seed=1)
    assert (count.value, count.low, count.high) == (n, pytest.approx(n - n * bound / 100), n)


@pytest.mark.parametrize("values", [[0.5] * 6, [0.9] * 7, [3.0]])
def test_resamples_that_are_all_alike_give_no_interval(values: list[float]) -> None:
    zeros = [0.0] * len(values)
    even = Sampled(np.array(values), np.arange(1.0, len(values) + 1), np.zeros(len(values), dtype=np.int64))
    none = Sampled(np.array(zeros), even.weights, even.strata)
    for found in (
        # Shares that are neither 0 nor whole are no yes/no outcomes.
        estimate_share(np.array(values), seed=1),
        estimate_mean(values, seed=1),
        compare_means(values, zeros, is_paired=True, seed=1),
        compare_means(values, zeros, is_paired=False, seed=1),
        compare_samples(even, none, is_paired=True, seed=1),
        compare_samples(even, none, is_paired=False, seed=1),
        compare_distinct(np.ones((4, 2), dtype=bool), np.ones((3, 2), dtype=bool), is_paired=False, seed=1),
    ):
        assert found.value is not None
        assert (found.low, found.high) == (None, None)


def test_members_of_unequal_weight_tell_as_much_as_fewer() -> None:
    assert count_effective(np.ones(5)) == pytest.approx(5)
    assert count_effective(np.array([3.0, 1.0, 0.0])) == pytest.approx(1.6)


def test_a_weighted_mean_and_its_interval_equal_a_plain_loop() -> None:
    values, weights = [1.0, 0.0, 1.0, 1.0, 0.0], [1.0, 4.0, 1.0, 2.0, 4.0]
    found = estimate_mean(values, weights=weights, seed=5)
    means = []
    for drawn in np.concatenate(list(draw(n=5, seed=5))):
        above = sum(times * weight * value for times, weight, value in zip(drawn, weights, values, strict=True))
        means.append(above / sum(times * weight for times, weight in zip(drawn, weights, strict=True)))
    assert len(means) == N_RESAMPLES
    assert found.value == pytest.approx(4 / 12)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_nothing_keeps_its_place_and_all_such_orders_are_equally_likely() -> None:
    assert derange(n=2, seed=7).tolist() == [1, 0]
    orders = Counter(tuple(derange(n=4, seed=seed).tolist()) for seed in range(1800))
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert not any(place == one for order in orders for place, one in enumerate(order))
    assert len(orders) == 9
    assert max(orders.values()) < 1.35 * 200
    assert derange(n=1000, seed=3).tolist() == derange(n=1000, seed=3).tolist() != derange(n=1000, seed=4).tolist()


def test_a_count_is_the_share_times_the_members() -> None:
    flags = [True] * 30 + [False] * 10
    count, share = estimate_count(flags, seed=1), estimate_mean([float(one) for one in flags], seed=1)
    assert count.value == 30
    assert (count.low, count.high) == pytest.approx((40 * (share.low or 0), 40 * (share.high or 0)))


def test_nothing_is_estimated_of_no_members() -> None:
    assert estimate_mean([], seed=1).value is None
    assert bootstrap(lambda drawn: np.full(len(drawn), np.nan), n=3, seed=1).low is None


@pytest.mark.parametrize(("share", "n", "n_cases"), [(0.6, 150, 200), (0.3, 60, 400)])
def test_the_interval_of_a_share_covers_it_in_95_of_100_cases(share: float, n: int, n_cases: int) -> None:
    generator = np.random.default_rng(77)
    n_covered = 0
    for seed in range(n_cases):
        found = estimate_mean((generator.random(n) < share).astype(float), seed=seed)
        assert found.low is not None
        assert found.high is not None
        n_covered += found.low <= share <= found.high
    assert 0.92 <= n_covered / n_cases <= 0.98


def test_the_paired_test_equals_all_flips_of_signs() -> None:
    first, second = [0.9, 0.8, 0.7, 0.9, 0.6, 0.8, 0.7, 0.95], [0.7, 0.7, 0.72, 0.6, 0.5, 0.75, 0.6, 0.9]
    found = compare_means(first, second, is_paired=True, seed=3)
    differences = np.subtract(first, second)
    flips = [abs(np.mean(differences * signs)) for signs in itertools.product([-1, 1], repeat=8)]
    exact = np.mean(np.array(flips) >= abs(differences.mean()) - 1e-12)
    assert found.p == pytest.approx(exact, abs=0.01)
    assert found.value == pytest.approx(differences.mean())
    low, high = bounds(found)
    assert 0 < low < found.value < high


def test_the_unpaired_test_equals_all_ways_to_deal_out() -> None:
    first, second = [0.9, 0.8, 0.95, 0.7], [0.6, 0.75, 0.5, 0.65, 0.7]
    found = compare_means(first, second, is_paired=False, seed=3)
    both = np.array(first + second)
    ways = [list(chosen) for chosen in itertools.combinations(range(9), 4)]
    dealt = [abs(both[one].mean() - np.delete(both, one).mean()) for one in ways]
    exact = np.mean(np.array(dealt) >= found.value - 1e-12)
    assert found.p == pytest.approx(exact, abs=0.015)
    assert (found.n_first, found.n_second) == (4, 5)


def test_the_test_of_equal_sides_is_wrong_five_times_in_a_hundred() -> None:
    generator = np.random.default_rng(9)
    found = [compare_means(*generator.random((2, 20)), is_paired=False, seed=seed).p for seed in range(60)]
    assert np.mean(np.array(found) <= 0.05) <= 0.1


def test_a_p_value_counts_the_observed_among_those_by_chance() -> None:
    assert find_p(value=3.0, by_chance=np.array([1.0, 2.0, 3.0])) == pytest.approx(0.5)
    assert find_p(value=9.0, by_chance=np.zeros(99)) == pytest.approx(0.01)


def test_distinct_things_are_counted_as_sets_do() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.random((40, 30)) < 0.05, rng.random((25, 30)) < 0.05
    found = compare_distinct(first, second, is_paired=False, seed=3)

    def count(rows: np.ndarray) -> int:
        return len({thing for row in rows for thing in np.flatnonzero(row)})

    assert found.value == count(first) - count(second)
    both, dealt = np.concatenate([first, second]), []
    for _ in range(1000):
        order = rng.permutation(65)
        dealt.append(count(both[order[:40]]) - count(both[order[40:]]))
    far = np.abs(np.array(dealt) - np.mean(dealt)) >= abs(found.value - np.mean(dealt)) - 1e-12
    assert found.p == pytest.approx(far.mean(), abs=0.05)
    low, high = bounds(found)
    assert low <= found.value <= high


def test_the_interval_of_distinct_things_covers_the_mean_over_other_members() -> None:
    rng = np.random.default_rng(15)
    share = rng.random(40) * 0.06
    often = [(rng.random((2, 60, 40)) < share).any(axis=1).sum(axis=1)[0] for _ in range(2000)]
    seldom = [(rng.random((15, 40)) < share).any(axis=0).sum() for _ in range(2000)]
    covered = []
    for seed in range(60):
        first, second = rng.random((60, 40)) < share, rng.random((15, 40)) < share
        found = compare_distinct(first, second, is_paired=False, seed=seed)
        low, high = bounds(found)
        assert low <= found.value <= high
        covered.append(low <= np.mean(often) - np.mean(seldom) <= high)
    assert np.mean(covered) >= 0.88


def test_an_interval_holds_its_value_though_all_resamples_lie_beyond() -> None:
    found = bootstrap(lambda drawn: np.count_nonzero(drawn, axis=1).astype(float), n=50, seed=1)
    assert found.value == found.high == 50
    assert found.low is not None
    assert found.low < 40


@pytest.mark.parametrize("is_paired", [True, False])
def test_no_difference_of_distinct_things_is_seldom_found_where_there_is_none(is_paired: bool) -> None:
    rng = np.random.default_rng(6)
    found = [
        compare_distinct(rng.random((20, 15)) < 0.08, rng.random((20, 15)) < 0.08, is_paired=is_paired, seed=seed).p
        for seed in range(60)
    ]
    assert np.mean(np.array(found) < 0.05) < 0.15


def draw_uneven(rng: np.random.Generator, shift: float) -> Sampled:
    """20 members that were taken for certain, whose values are higher, and 30 that stand for 5 each."""
    values = np.concatenate([rng.normal(1, 0.2, 20), rng.normal(shift, 0.2, 30)])
    return Sampled(values, np.repeat([1.0, 5.0], [20, 30]), np.repeat([0, 1], [20, 30]))


def test_weighted_means_are_compared_as_their_layers_are_not_as_their_samples() -> None:
    rng = np.random.default_rng(7)
    p, covered = [], []
    for seed in range(50):
        first = draw_uneven(rng, 0.0)
        # The same layer, all of it: 20 members of the higher kind, 150 of the other.
        whole = np.concatenate([rng.normal(1, 0.2, 20), rng.normal(0, 0.2, 150)])
        second = Sampled(whole, np.ones(170), np.zeros(170, dtype=np.int64))
        found = compare_samples(first, second, is_paired=False, seed=seed)
        assert not can_permute(first, second, is_paired=False)
        p.append(found.p)
        low, high = bounds(found)
        covered.append(low <= 0 <= high)
        assert abs(found.value) < 0.3 < first.values.mean() - whole.mean() + 0.1
    assert np.mean(np.array(p) < 0.05) < 0.12
    assert np.mean(covered) > 0.9


def test_a_weighted_difference_is_found_and_paired_weights_count() -> None:
    rng = np.random.default_rng(8)
    first, second = draw_uneven(rng, 0.3), draw_uneven(rng, 0.0)
    assert compare_samples(first, second, is_paired=False, seed=1).p < 0.01
    found = compare_samples(first, second, is_paired=True, seed=1)
    gaps = first.values - second.values
    assert found.value == pytest.approx((first.weights * gaps).sum() / first.weights.sum())
    low, high = bounds(found)
    assert low < found.value < high
    assert found.p < 0.01
