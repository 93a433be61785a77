"""How votes on one image become the probability that a description holds there (docs/studies.md, Votes)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.refusals import Refusal

Array = NDArray[np.float64]

# [OYKW25]: the share of wrong answers that people gave there, and how often a concept holds.
USUAL_ERROR = 0.23
USUAL_PRIOR = 0.05
PRIOR_BOUNDS = (0.001, 0.999)
# An error of .5 says nothing; one of 0 would let a single slip decide.
ERROR_BOUNDS = (0.01, 0.49)
# Fewer answers to gold images than this say too little about the error.
MIN_GOLD = 20


class BadVotes(Refusal):
    """These votes cannot be counted."""


@dataclass(frozen=True)
class RaterError:
    """The share of wrong answers, and where it comes from."""

    value: float
    n_gold: int
    is_measured: bool


def combine_votes(n_yes: Array, n_votes: Array, *, prior: Array | float, error: float) -> Array:
    """BRAgg [OYKW25]: (n,) P(the description holds | votes), each vote wrong with probability `error`.

    `prior`: before the votes, of each image or of all; clipped to PRIOR_BOUNDS. Without votes the prior is given back.
    """
    if not 0 < error < 0.5:
        raise BadVotes(f"The error of a vote is above 0 and below .5, not {error:g}.")
    if np.any(n_yes > n_votes) or np.any(n_yes < 0):
        raise BadVotes("An image has more votes for yes than votes.")
    before = np.clip(prior, *PRIOR_BOUNDS)
    evidence = (2 * n_yes - n_votes) * np.log((1 - error) / error)
    odds = np.log(before / (1 - before)) + evidence
    # The same as 1 / (1 + exp(-odds)), and never too large for a float.
    held: Array = 0.5 * (1 + np.tanh(odds / 2))
    return held


def vote_by_majority(n_yes: Array, n_votes: Array) -> Array:
    """(n,): 1 if most say yes, 0 if most say no, .5 if they are equally many. Never used with importance sampling."""
    return np.where(2 * n_yes == n_votes, 0.5, np.asarray(2 * n_yes > n_votes, dtype=np.float64))


def estimate_error(*, n_wrong: int, n_gold: int) -> RaterError:
    """From answers about images where the truth is known; USUAL_ERROR until there are MIN_GOLD of them."""
    if n_gold < MIN_GOLD:
        return RaterError(USUAL_ERROR, n_gold, is_measured=False)
    return RaterError(float(np.clip(n_wrong / n_gold, *ERROR_BOUNDS)), n_gold, is_measured=True)
