"""Votes, metrics, sanity tests and comparisons, beside slow plain versions of what docs/studies.md defines."""

from math import prod

import numpy as np
import pytest

from annotator.studies.metrics import METRICS, Judged
from annotator.studies.sanity import check_metrics
from annotator.studies.scores import (
    MAJORITY,
    Counting,
    Draws,
    Pairs,
    Ratings,
    compare_methods,
    correct_for_many,
    judge_draws,
    keep_first,
    score_methods,
    score_pairs,
)
from annotator.studies.votes import BadVotes, combine_votes, estimate_error, vote_by_majority


def test_votes_are_combined_by_bayes() -> None:
    votes = [(0, 3), (1, 3), (2, 3), (3, 3), (0, 0), (5, 40)]
    yes, n = (np.array(column, dtype=float) for column in zip(*votes, strict=True))
    found = combine_votes(yes, n, prior=0.05, error=0.23)
    for (alpha, m), c in zip(votes, found, strict=True):
        holds = prod([0.77] * alpha + [0.23] * (m - alpha)) * 0.05
        not_so = prod([0.23] * alpha + [0.77] * (m - alpha)) * 0.95
        assert c == pytest.approx(holds / (holds + not_so))
    assert combine_votes(np.zeros(2), np.zeros(2), prior=np.array([0, 1.0]), error=0.2) == pytest.approx([0.001, 0.999])
    assert vote_by_majority(np.array([0, 1, 2, 2.0]), np.array([2, 2, 2, 3.0])).tolist() == [0, 0.5, 1, 1]
    with pytest.raises(BadVotes, match=r"below \.5"):
        combine_votes(yes, n, prior=0.05, error=0.5)
    with pytest.raises(BadVotes, match="more votes for yes"):
        combine_votes(n + 1, n, prior=0.05, error=0.2)


def test_the_error_is_assumed_until_gold_images_tell_it() -> None:
    assert estimate_error(n_wrong=9, n_gold=19).value == 0.23
    assert estimate_error(n_wrong=9, n_gold=60).value == pytest.approx(0.15)
    assert estimate_error(n_wrong=0, n_gold=60).value == 0.01


def make_judged(n_pairs: int, seed: int = 0) -> Judged:
    generator = np.random.default_rng(seed)
    pair = np.sort(generator.integers(n_pairs, size=40 * n_pairs))
    activation = np.round(generator.normal(size=len(pair)), 1)  # so that some are equal
    return Judged(
        pair=pair, n_pairs=n_pairs, activation=activation, standardized=activation / 1.1, is_active=activation > 0.8,
        weight=generator.uniform(0.2, 5, size=len(pair)), concept=generator.random(len(pair)) * (activation > -0.3),
        times=generator.integers(3, size=len(pair)).astype(float),
    )  # fmt: skip


def measure_slowly(judged: Judged, pair: int) -> dict[str, float]:
    rows = [
        (w, a, z, bool(on), c)
        for k, w, t, a, z, on, c in zip(
            judged.pair, judged.weight, judged.times, judged.activation, judged.standardized, judged.is_active,
            judged.concept, strict=True,
        )
        for _ in range(int(t))
        if k == pair
    ]  # fmt: skip
    n = len(rows)
    mean = sum(w * c for w, _, _, _, c in rows) / n
    deviation = (sum(w * (c - mean) ** 2 for w, _, _, _, c in rows) / n) ** 0.5
    both = sum(w * c for w, _, _, on, c in rows if on)
    active, held = sum(w for w, _, _, on, _ in rows if on), sum(w * c for w, _, _, _, c in rows)
    precision = 0.0
    for w, a, _, _, c in rows:
        above = [(v, d) for v, b, _, _, d in rows if b >= a]
        precision += w * c * sum(v * d for v, d in above) / sum(v for v, _ in above)
    lengths = (sum(w * a * a for w, a, *_ in rows) * sum(w * c * c for w, _, _, _, c in rows)) ** 0.5
    return {
        "rho": sum(w * z * (c - mean) / deviation for w, _, z, _, c in rows) / n,
        "f1": 2 * both / (active + held),
        "auprc": precision / held,
        "iou": both / (active + held - both),
        "cosine": sum(w * a * c for w, a, _, _, c in rows) / lengths,
        "share_of_active": both / active,
    }


def test_every_metric_of_many_pairs_is_that_of_each_alone() -> None:
    judged = make_judged(5)
    expected = [measure_slowly(judged, pair) for pair in range(5)]
    for name, measure in METRICS.items():
        assert measure(judged) == pytest.approx([one[name] for one in expected]), name


def test_a_description_that_holds_nowhere_scores_nothing() -> None:
    judged = make_judged(2)
    nowhere = Judged(**{**vars(judged), "concept": np.zeros(len(judged.pair))})
    assert all((measure(nowhere) == 0).all() for measure in METRICS.values())


def test_the_share_of_active_images_fails_a_sanity_test_and_the_correlation_passes() -> None:
    generator = np.random.default_rng(0)
    pair = np.repeat(np.arange(20), 400)
    concept = (generator.random(len(pair)) < 0.1).astype(float)
    activation = generator.normal(size=len(pair)) + 3 * concept
    even = np.ones(len(pair))
    judged = Judged(
        pair, 20, activation, activation - activation.mean(), activation > 2, even, concept, times=even
    )  # fmt: skip
    found = check_metrics(judged, seed=0)
    assert found["rho"].is_passed
    assert found["f1"].is_passed
    assert not found["share_of_active"].is_passed
    assert found["share_of_active"].falls_by_added == 0
    wrong = check_metrics(Judged(**{**vars(judged), "concept": generator.permutation(concept)}), seed=0)
    assert wrong == found  # the verdict is about the metric, not about the descriptions
    nothing = check_metrics(Judged(**{**vars(judged), "is_active": np.zeros(len(pair), dtype=bool)}), seed=0)
    assert nothing["rho"].falls_by_missing is None
    assert not nothing["rho"].is_passed


def make_study(*, n_units: int = 12, n_draws: int = 60, error: float = 0.2) -> tuple[Draws, Ratings, Pairs, np.ndarray]:
    """Two methods: one says what the unit does, the other something else; the true correlations of the first. A cheap
    model is right about 95 of 100 images.
    """
    generator = np.random.default_rng(5)
    n_pairs = 2 * n_units
    pair = np.repeat(np.arange(n_pairs), n_draws)
    activation, held = [], []
    for number in range(n_pairs):
        concept = generator.random(n_draws) < 0.3
        means = concept if number % 2 == 0 else generator.random(n_draws) < 0.3
        activation.append(generator.normal(size=n_draws) + 3 * means)
        held.append(concept)
    truth = np.array([np.corrcoef(a, c)[0, 1] for a, c in zip(activation[::2], held[::2], strict=True)])
    a, c = np.concatenate(activation), np.concatenate(held)
    z = np.concatenate([(one - one.mean()) / one.std() for one in activation])
    draws = Draws(pair, a, z, a > 2.5, np.ones(len(pair)), np.where(c ^ (generator.random(len(c)) < 0.05), 0.9, 0.03))
    draw = np.repeat(np.arange(len(pair)), 3)
    says_yes = c[draw] ^ (generator.random(len(draw)) < error)
    pairs = Pairs(np.arange(n_pairs) // 2, np.arange(n_pairs) % 2, ["right", "wrong"])
    return draws, Ratings(draw, np.arange(len(draw)) % 7, says_yes), pairs, truth


def test_the_wrong_method_comes_last_and_the_interval_holds_the_truth() -> None:
    draws, ratings, pairs, truth = make_study()
    counting = Counting(error=0.2)
    right, wrong = score_methods(draws, ratings, pairs=pairs, counting=counting, seed=1)
    assert right["rho"].low is not None
    assert right["rho"].high is not None
    assert right["rho"].low <= truth.mean() <= right["rho"].high
    assert wrong["rho"].high is not None
    assert wrong["rho"].high < right["rho"].low
    judged = judge_draws(draws, ratings, n_pairs=24, counting=counting)
    (found,) = compare_methods(score_pairs(judged)["rho"], pairs=pairs, seed=1)
    assert (found.first, found.second, found.difference.n_first) == ("right", "wrong", 12)
    assert found.p_corrected < 0.01
    assert found.difference.low is not None
    assert found.difference.low > 0


def test_draws_that_nobody_rated_count_for_nothing() -> None:
    draws, ratings, _, _ = make_study(n_units=2)
    few, said = keep_first(draws, ratings, share=0.5)
    assert np.bincount(few.pair).tolist() == [30] * 4
    early = ratings.draw % 60 < 30
    unrated = Ratings(ratings.draw[early], ratings.rater[early], ratings.says_yes[early])
    for rule in (Counting(error=0.2), Counting(rule=MAJORITY)):
        alone = score_pairs(judge_draws(few, said, n_pairs=4, counting=rule))
        among = score_pairs(judge_draws(draws, unrated, n_pairs=4, counting=rule))
        assert all(alone[name] == pytest.approx(among[name]) for name in METRICS)


def test_shares_of_the_cost_are_shares_of_what_was_rated() -> None:
    draws, ratings, _, _ = make_study(n_units=2)
    early = ratings.draw % 60 < 20  # of three rounds, one was asked
    asked = Ratings(ratings.draw[early], ratings.rater[early], ratings.says_yes[early])
    for share, n in ((0.25, 5), (0.5, 10), (1.0, 20)):
        few, said = keep_first(draws, asked, share=share)
        assert np.bincount(few.pair).tolist() == [n] * 4
        assert len(said.draw) == 3 * n * 4


def test_a_description_that_nobody_rated_counts_in_no_mean_and_no_comparison() -> None:
    draws, ratings, pairs, _ = make_study(n_units=4, n_draws=20)
    is_heard = draws.pair[ratings.draw] != 2
    few = Ratings(ratings.draw[is_heard], ratings.rater[is_heard], ratings.says_yes[is_heard])
    scores = score_pairs(judge_draws(draws, few, n_pairs=8, counting=Counting()))["rho"]
    assert np.flatnonzero(np.isnan(scores)).tolist() == [2]
    right, _ = score_methods(draws, few, pairs=pairs, counting=Counting(), seed=1)
    assert right["rho"].value == pytest.approx(scores[[0, 4, 6]].mean())
    (found,) = compare_methods(scores, pairs=pairs, seed=1)
    assert found.difference.n_first == 3
    no_first = draws.pair[ratings.draw] % 2 == 1
    only = Ratings(ratings.draw[no_first], ratings.rater[no_first], ratings.says_yes[no_first])
    right, wrong = score_methods(draws, only, pairs=pairs, counting=Counting(), seed=1)
    assert (right["rho"].value, right["rho"].low) == (None, None)
    assert wrong["rho"].value is not None


def test_many_comparisons_are_corrected_step_by_step() -> None:
    assert correct_for_many([0.01, 0.04, 0.03, 0.9]) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert correct_for_many([]) == []
