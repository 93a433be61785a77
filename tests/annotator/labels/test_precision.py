"""Mean precision and its interval: a slow oracle, coverage in 1,000 simulations, and what is refused."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.labels.precision import (
    PUBLISHED_OVERDISPERSION,
    AnswerCounts,
    BadCounts,
    count_fitting,
    estimate_intervals,
    estimate_overdispersion,
    measure_precision,
)
from annotator.published.readers.matfile import read_mat

N_SHOWN = 57


def counts(*units: list[int], n_shown: int = N_SHOWN) -> AnswerCounts:
    unit = np.repeat(np.arange(len(units)), [len(given) for given in units])
    fitting = np.array([k for given in units for k in given])
    return AnswerCounts(unit=unit, n_fitting=fitting, n_shown=np.full(len(fitting), n_shown))


def test_the_mean_over_answers_is_the_precision() -> None:
    found = measure_precision(counts([57, 0, 57], [19]))
    np.testing.assert_allclose(found.mean, [2 / 3, 1 / 3])


def slow_interval(given: list[int], overdispersion: float, n_cells: int) -> tuple[float, float]:
    """Cell by cell, probabilities taken from the densest cell on until they hold 95 %."""
    m = (1 - overdispersion) / overdispersion
    density = []
    for cell in range(n_cells):
        a, b = m * (cell + 0.5) / n_cells, m * (1 - (cell + 0.5) / n_cells)
        density.append(
            math.prod(
                math.comb(N_SHOWN, k) * math.exp(_log_beta(k + a, N_SHOWN - k + b) - _log_beta(a, b)) for k in given
            )
        )
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
    low, high = estimate_intervals(counts(given_answers), overdispersion=0.17, level=0.95)
    assert (low[0], high[0]) == pytest.approx(slow_interval(given_answers, 0.17, 200))


def simulate(generator: np.random.Generator, n_units: int, overdispersion: float) -> tuple[AnswerCounts, np.ndarray]:
    """Units like the published ones: mean .752 and deviation .117 between units, people around them as given."""
    truth = generator.beta(9.5, 3.1, size=n_units)
    m = (1 - overdispersion) / overdispersion
    people = generator.beta(truth[:, None] * m, (1 - truth[:, None]) * m, size=(n_units, 3))
    fitting = generator.binomial(N_SHOWN, people).reshape(-1)
    unit = np.repeat(np.arange(n_units), 3)
    return AnswerCounts(unit=unit, n_fitting=fitting, n_shown=np.full(len(fitting), N_SHOWN)), truth


def test_intervals_cover_as_stated_in_1000_simulations() -> None:
    """1,000 campaigns of 32 units and 3 answers; overdispersion is estimated again in each."""
    generator = np.random.default_rng(20150509)
    hits, n = 0, 0
    for _ in range(1000):
        given_counts, truth = simulate(generator, 32, PUBLISHED_OVERDISPERSION)
        # The table of likelihoods is kept by overdispersion, so the estimate is rounded: 1 % of its value at most.
        rho = round(estimate_overdispersion(given_counts), 3)
        low, high = estimate_intervals(given_counts, overdispersion=rho, level=0.95)
        hits += int(np.sum((low <= truth) & (truth <= high)))
        n += len(truth)
    assert 0.93 <= hits / n <= 0.97


def test_the_published_spread_is_the_one_that_is_simulated(shared: Path) -> None:
    kept = shared / "data" / "published" / "places205-alexnet" / "unitAnnotation_places205-alexnet.mat"
    table = read_mat(kept.read_bytes(), file=kept.name)["layerAnnotation"]
    layers = [table.row(i)[0] for i in range(table.shape[0])]
    shares = [[cells.row(u)[c].values[0] for c in (2, 5, 8)] for cells in layers for u in range(cells.shape[0])]
    published = counts(*[[count_fitting(precision=share, n_shown=N_SHOWN) for share in unit] for unit in shares])
    assert len(shares) == 1376
    assert estimate_overdispersion(published) == pytest.approx(PUBLISHED_OVERDISPERSION, abs=0.002)
    between_people = np.sqrt(np.var(shares, axis=1, ddof=1).mean())
    assert 0.18 < between_people < 0.22


def test_overdispersion_is_found_again() -> None:
    given_counts, _ = simulate(np.random.default_rng(3), 5000, 0.2)
    assert estimate_overdispersion(given_counts) == pytest.approx(0.2, abs=0.02)


def test_pooled_counts_would_be_far_too_sure() -> None:
    """The binomial interval of 171 pooled judgements is a third as wide as the one that people's spread asks for."""
    found = measure_precision(counts([30, 50, 45], [57, 20, 40], [55, 35, 44]))
    pooled = 2 * 1.96 * math.sqrt(0.73 * 0.27 / 171)
    assert found.high[0] - found.low[0] > 2 * pooled


def test_without_a_second_answer_the_published_spread_is_taken() -> None:
    assert estimate_overdispersion(counts([40], [50])) == PUBLISHED_OVERDISPERSION


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(BadCounts, match="crops that fit"):
        counts([58])
    with pytest.raises(BadCounts, match="in the order"):
        AnswerCounts(unit=np.array([0, 2]), n_fitting=np.array([1, 1]), n_shown=np.array([57, 57]))


@given(st.lists(st.lists(st.integers(0, N_SHOWN), min_size=1, max_size=5), min_size=1, max_size=6))
def test_the_interval_holds_the_mean_and_stays_within_bounds(units: list[list[int]]) -> None:
    low, high = estimate_intervals(counts(*units), overdispersion=0.17, level=0.95)
    mean = [sum(k) / len(k) / N_SHOWN for k in units]
    rounding = 1e-12
    assert np.all((low >= 0) & (low <= np.array(mean) + rounding) & (mean <= high + rounding) & (high <= 1))


def test_every_published_share_gives_its_count_back() -> None:
    assert [count_fitting(precision=k / 57, n_shown=57) for k in range(58)] == list(range(58))
