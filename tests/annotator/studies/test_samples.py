"""Which photographs are drawn, and what a draw counts for."""

import numpy as np
import pytest

from annotator.studies.samples import BadSample, draw_sample, spread_by_importance, spread_evenly


def test_importance_is_a_mixture_whose_weights_are_bounded() -> None:
    generator = np.random.default_rng(3)
    activation, concept = generator.normal(size=400), generator.random(400)
    q = spread_by_importance(activation, concept, gamma=0.2)
    a = (activation - activation.mean()) / activation.std()
    c = (concept - concept.mean()) / concept.std()
    expected = [0.8 * abs(x * y) / np.abs(a * c).sum() + 0.2 / 400 for x, y in zip(a, c, strict=True)]
    assert q == pytest.approx(expected)
    sample = draw_sample(q, n_draws=20_000, seed=1)
    assert sample.weights.max() <= 5 + 1e-9
    # Weighted, the drawn images are like all of them.
    assert (sample.weights * activation[sample.images] ** 2).mean() == pytest.approx((activation**2).mean(), rel=0.1)


def test_a_model_that_says_nothing_draws_evenly_and_equal_seeds_draw_alike() -> None:
    assert spread_by_importance(np.arange(5.0), np.full(5, 0.05)) == pytest.approx(spread_evenly(5))
    first, again = (draw_sample(spread_evenly(50), n_draws=30, seed=7).images for _ in range(2))
    assert (first == again).all()
    assert set(first) <= set(range(50))


def test_an_image_of_probability_zero_is_never_drawn() -> None:
    q = np.array([0.0, 0.5, 0.0, 0.5, 0.0])
    assert set(draw_sample(q, n_draws=500, seed=0).images) == {1, 3}


@pytest.mark.parametrize(
    ("q", "says"),
    [
        ([0.5, 0.4], "sums to 0.900000"),
        ([0.5, 0.6], "sums to 1.100000"),
        ([1.5, -0.5], "image 1 is -0.5"),
        ([float("nan"), 1.0], "image 0 is nan"),
        ([], "at least one image"),
    ],
)
def test_what_is_no_distribution_is_refused(q: list[float], says: str) -> None:
    with pytest.raises(BadSample, match=says):
        draw_sample(q, n_draws=3, seed=0)


def test_numbers_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(BadSample, match="4 activations, and the concept model knows 3 images"):
        spread_by_importance(np.zeros(4), np.zeros(3))
    with pytest.raises(BadSample, match="gamma"):
        spread_by_importance(np.zeros(4), np.zeros(4), gamma=0)
    with pytest.raises(BadSample, match="Image 2 has the value inf"):
        spread_by_importance(np.array([0, 1, np.inf]), np.zeros(3))
    with pytest.raises(BadSample, match="1 draw or more"):
        draw_sample([1.0], n_draws=0, seed=0)
