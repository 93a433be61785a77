"""Bootstrap and permutation against plain loops, and the coverage of a share's interval by simulation."""

import itertools

import numpy as np
import pytest

from workers.engine.resampling import N_RESAMPLES, bootstrap, compare_means, draw, estimate_count, estimate_mean, find_p


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


def test_a_count_is_the_share_times_the_members() -> None:
    flags = [True] * 30 + [False] * 10
    count, share = estimate_count(flags, seed=1), estimate_mean([float(one) for one in flags], seed=1)
    assert count.value == 30
    assert (count.low, count.high) == pytest.approx((40 * (share.low or 0), 40 * (share.high or 0)))


def test_nothing_is_estimated_of_no_members() -> None:
    assert estimate_mean([], seed=1).value is None
    assert bootstrap(lambda drawn: np.full(len(drawn), np.nan), n=3, seed=1).low is None


@pytest.mark.parametrize(("share", "n"), [(0.6, 150), (0.3, 60)])
def test_the_interval_of_a_share_covers_it_in_95_of_100_cases(share: float, n: int) -> None:
    generator = np.random.default_rng(77)
    n_covered = 0
    for seed in range(400):
        found = estimate_mean((generator.random(n) < share).astype(float), seed=seed)
        assert found.low is not None
        assert found.high is not None
        n_covered += found.low <= share <= found.high
    assert 0.92 <= n_covered / 400 <= 0.98


def test_the_paired_test_equals_all_flips_of_signs() -> None:
    first, second = [0.9, 0.8, 0.7, 0.9, 0.6, 0.8, 0.7, 0.95], [0.7, 0.7, 0.72, 0.6, 0.5, 0.75, 0.6, 0.9]
    found = compare_means(first, second, is_paired=True, seed=3)
    differences = np.subtract(first, second)
    flips = [abs(np.mean(differences * signs)) for signs in itertools.product([-1, 1], repeat=8)]
    exact = np.mean(np.array(flips) >= abs(differences.mean()) - 1e-12)
    assert found.p == pytest.approx(exact, abs=0.01)
    assert found.value == pytest.approx(differences.mean())
    assert 0 < found.low < found.value < found.high


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
    found = [compare_means(*generator.random((2, 20)), is_paired=False, seed=seed).p for seed in range(100)]
    assert np.mean(np.array(found) <= 0.05) <= 0.1


def test_a_p_value_counts_the_observed_among_those_by_chance() -> None:
    assert find_p(value=3.0, by_chance=np.array([1.0, 2.0, 3.0])) == pytest.approx(0.5)
    assert find_p(value=9.0, by_chance=np.zeros(99)) == pytest.approx(0.01)
