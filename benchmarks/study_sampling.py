"""What a correlation estimated from 180 images and three raters errs by: ways to draw images and to count votes.

Prints `name value bound` lines: mean relative error of rho in percent. A concept holds on 1 % of the images, the true
rho is .25, and raters err with .23. The cheap model scores images with normal noise and states the probability that
follows if a concept holds on 5 %, the usual prior. Its separation of 2.66 deviations makes its own error 46 %.
"""

import numpy as np
from numpy.typing import NDArray

from annotator.studies.samples import Sample, draw_sample, spread_by_importance, spread_evenly, standardize
from annotator.studies.scores import BRAGG, MAJORITY, Counting, Draws, Ratings, judge_draws, score_pairs
from annotator.studies.votes import USUAL_ERROR, USUAL_PRIOR

Array = NDArray[np.float64]

N_IMAGES, N_DRAWS, N_RATERS, N_STUDIES = 50_000, 180, 3, 1500
HOLDS_ON, TRUE_RHO, ERROR, SEPARATION = 0.01, 0.25, USUAL_ERROR, 2.66
LEAP = TRUE_RHO / np.sqrt((1 - TRUE_RHO**2) * HOLDS_ON * (1 - HOLDS_ON))
# Whether images are drawn by importance; how votes are counted; the prior: None is the cheap model.
WAYS = {
    "uniform_majority": (False, MAJORITY, None, ">=74 <=82"),
    "mgis_majority": (True, MAJORITY, None, "-"),
    "mgis_bragg_prior": (True, BRAGG, USUAL_PRIOR, "-"),
    "mgis_bragg_model": (True, BRAGG, None, ">=27 <=33"),
}


def main() -> None:
    generator = np.random.default_rng(4)
    errors = np.array([simulate(generator) for _ in range(N_STUDIES)]).mean(axis=0)
    for (name, (*_, bounds)), error in zip(WAYS.items(), errors, strict=False):
        for bound in bounds.split():
            print(f"study_sampling_{name}_percent {100 * error:.1f} {bound}")
    print(f"study_sampling_model_alone_percent {100 * errors[-1]:.1f} -")


def simulate(generator: np.random.Generator) -> list[float]:
    """The relative error of each way, and of the cheap model alone, in one study of one unit."""
    held = generator.random(N_IMAGES) < HOLDS_ON
    activation = generator.normal(size=N_IMAGES) + LEAP * held
    model = see(held, generator)
    rho = float(np.corrcoef(activation, held)[0, 1])
    q = {True: spread_by_importance(activation, model), False: spread_evenly(N_IMAGES)}
    found = []
    for is_important, rule, prior, _ in WAYS.values():
        sample = draw_sample(q[is_important], n_draws=N_DRAWS, seed=int(generator.integers(2**31)))
        said = (held[sample.images] ^ (generator.random((N_RATERS, N_DRAWS)) < ERROR)).ravel()
        before = model[sample.images] if prior is None else np.full(N_DRAWS, prior)
        found.append(estimate(activation, sample, said, before, rule))
    found.append(float(np.corrcoef(activation, model)[0, 1]))
    return [abs(one - rho) / rho for one in found]


def see(held: NDArray[np.bool_], generator: np.random.Generator) -> Array:
    """(n_images,) the probability of a model that sees images with normal noise and takes the concept for usual."""
    score = generator.normal(size=len(held)) + SEPARATION * held
    odds = SEPARATION * score - SEPARATION**2 / 2 + np.log(USUAL_PRIOR / (1 - USUAL_PRIOR))
    return np.asarray(1 / (1 + np.exp(-odds)))


def estimate(activation: Array, sample: Sample, said: NDArray[np.bool_], prior: Array, rule: str) -> float:
    drawn = activation[sample.images]
    draws = Draws(
        pair=np.zeros(N_DRAWS, dtype=np.int64),
        activation=drawn,
        standardized=standardize(activation)[sample.images],
        is_active=drawn > np.quantile(activation, 0.95),
        weight=sample.weights,
        prior=prior,
    )
    ratings = Ratings(np.tile(np.arange(N_DRAWS), N_RATERS), np.repeat(np.arange(N_RATERS), N_DRAWS), said)
    return float(score_pairs(judge_draws(draws, ratings, n_pairs=1, counting=Counting(rule, ERROR)))["rho"][0])


if __name__ == "__main__":
    main()
