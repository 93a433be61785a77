"""Mean precision and its interval: a slow oracle, coverage in 1,000 simulations, and what is refused."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.labels.answer_counts import AnswerCounts, BadCounts
from annotator.labels.dispersion import (
    OVERDISPERSIONS,
    PUBLISHED_WEIGHTS,
    estimate_weights,
    find_likeliest,
    weigh_evidence,
)
from annotator.labels.precision import count_fitting, estimate_intervals, measure_precision
from benchmarks._interval_coverage import (
    draw_beta_binomial,
    make_published,
    measure_all,
    measure_coverage,
    read_published,
)

MAT = "data/published/places205-alexnet/unitAnnotation_places205-alexnet.mat"
N_SHOWN = 57


def counts(*units: list[int], n_shown: int = N_SHOWN) -> AnswerCounts:
    unit = np.repeat(np.arange(len(units)), [len(given) for given in units])
    fitting = np.array([k for given in units for k in given])
    return AnswerCounts(unit=unit, n_fitting=fitting, n_shown=np.full(len(fitting), n_shown))


def test_the_mean_over_answers_is_the_precision() -> None:
    found = measure_precision(counts([57, 0, 57], [19]))
    np.testing.assert_allclose(found.mean, [2 / 3, 1 / 3])


def slow_interval(given: list[int], weights: list[float], n_cells: int) -> tuple[float, float]:
    """Cell by cell, probabilities taken from the densest cell on until they hold 95 %."""
    density = []
    for cell in range(n_cells):
        center = (cell + 0.5) / n_cells
        total = 0.0
        for weight, overdispersion in zip(weights, OVERDISPERSIONS, strict=True):
            m = (1 - overdispersion) / overdispersion
            a, b = m * center, m * (1 - center)
            total += weight * math.prod(
                math.comb(N_SHOWN, k) * math.exp(_log_beta(k + a, N_SHOWN - k + b) - _log_beta(a, b)) for k in given
            )
        density.append(total)
    kept: set[int] = set()
    for cell in sorted(range(n_cells), key=lambda c: -density[c]):
        kept.add(cell)
        if sum(density[c] for c in kept) >= 0.95 * sum(density):
            break
    mean = sum(given) / len(given) / N_SHOWN
    return min(min(kept) / n_cells, mean), max((max(kept) + 1) / n_cells, mean)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@pytest.mark.parametrize("given_answers", [[40, 50, 30], [57, 57, 57], [0], [10, 57], [29, 30, 31, 28, 30]])
def test_the_interval_equals_the_slow_oracle(given_answers: list[int]) -> None:
    weights = np.array([PUBLISHED_WEIGHTS])
    low, high = estimate_intervals(counts(given_answers), weights=weights, level=0.95)
    assert (low[0], high[0]) == pytest.approx(slow_interval(given_answers, list(PUBLISHED_WEIGHTS), 200))


def test_intervals_cover_as_stated_on_crowds_that_spread_in_four_ways(shared: Path) -> None:
    """With one overdispersion per campaign, .86 to .92 of the published residuals' intervals held."""
    found = {(name, n): held for name, n, held in measure_all(shared / MAT, n_campaigns=3)}
    assert len(found) == 12
    assert {place: held for place, held in found.items() if not 0.93 <= held <= 0.97} == {}


def test_intervals_of_small_campaigns_cover_too() -> None:
    def draw(generator: np.random.Generator, n_answers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        kept, truth, layer = draw_beta_binomial(generator, n_answers)
        return kept[:32], truth[:32], layer[:32]

    assert 0.93 <= measure_coverage(draw, n_answers=3, n_campaigns=60) <= 0.97


def test_each_layer_has_a_spread_of_its_own(shared: Path) -> None:
    """On a layer where people agree intervals are narrower than on one where they do not, at the same answers."""
    generator = np.random.default_rng(8)
    near = generator.binomial(N_SHOWN, np.full((60, 3), 0.8))
    far = generator.binomial(N_SHOWN, generator.beta(1.6, 0.4, size=(60, 3)))
    same = np.array([[40, 46, 52]])
    given_counts = counts(*np.concatenate([same, near, same, far]).tolist())
    found = measure_precision(given_counts, layer=np.repeat([0, 1], 61))
    assert found.high[0] - found.low[0] < 0.8 * (found.high[61] - found.low[61])


def test_the_published_spread_is_found_again(shared: Path) -> None:
    layers = read_published(shared / MAT)
    assert [len(shares) for shares in layers] == [96, 256, 384, 384, 256]
    shares = np.concatenate(layers)
    published = counts(*np.rint(shares * N_SHOWN).astype(int).tolist())
    weights = find_likeliest(weigh_evidence(published), prior=np.full(len(OVERDISPERSIONS), 0.1))
    np.testing.assert_allclose(weights, PUBLISHED_WEIGHTS, atol=0.001)
    assert np.dot(weights, OVERDISPERSIONS) == pytest.approx(0.234, abs=0.005)
    assert 0.18 < np.sqrt(np.var(shares, axis=1, ddof=1).mean()) < 0.22


def test_drawn_residuals_spread_as_the_published_answers_do(shared: Path) -> None:
    layers = read_published(shared / MAT)
    kept, truth, _ = make_published(layers)(np.random.default_rng(1), 3)
    assert truth.mean() == pytest.approx(np.concatenate(layers).mean(), abs=0.02)
    within = np.sqrt(np.var(kept / N_SHOWN, axis=1, ddof=1).mean())
    assert within == pytest.approx(np.sqrt(np.var(np.concatenate(layers), axis=1, ddof=1).mean()), abs=0.02)


def test_pooled_counts_would_be_far_too_sure() -> None:
    """The binomial interval of 171 pooled judgements is a third as wide as the one that people's spread asks for."""
    found = measure_precision(counts([30, 50, 45], [57, 20, 40], [55, 35, 44]))
    pooled = 2 * 1.96 * math.sqrt(0.73 * 0.27 / 171)
    assert found.high[0] - found.low[0] > 2 * pooled


def test_without_a_second_answer_the_published_spread_is_taken() -> None:
    (weights,) = estimate_weights(counts([40], [50]), layer=np.array([0, 0]))
    np.testing.assert_allclose(weights, PUBLISHED_WEIGHTS, atol=0.001)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(BadCounts, match="crops that fit"):
        counts([58])
    with pytest.raises(BadCounts, match="in the order"):
        AnswerCounts(unit=np.array([0, 2]), n_fitting=np.array([1, 1]), n_shown=np.array([57, 57]))


@given(st.lists(st.lists(st.integers(0, N_SHOWN), min_size=1, max_size=5), min_size=1, max_size=6))
def test_the_interval_holds_the_mean_and_stays_within_bounds(units: list[list[int]]) -> None:
    found = measure_precision(counts(*units))
    low, high = found.low, found.high
    mean = [sum(k) / len(k) / N_SHOWN for k in units]
    rounding = 1e-12
    assert np.all((low >= 0) & (low <= np.array(mean) + rounding) & (mean <= high + rounding) & (high <= 1))


def test_every_published_share_gives_its_count_back() -> None:
    assert [count_fitting(precision=k / 57, n_shown=57) for k in range(58)] == list(range(58))
