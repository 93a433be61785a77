"""Linear Explanations, LE(label) [OW24]: a unit's activation as a short weighted sum of concepts.

An elastic net (alpha .99, lambda .05, standardized columns) finds which concepts matter. They are then taken one
by one, each time the one with the highest correlation on held-out images, until one adds less than .02 or ten are
taken; the weights are by least squares on the other images. These constants are the authors'. One image in five is held
out (our choice).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.studies.describers.given import Array, CannotDescribe, Given, Told
from workers.engine.plurals import say_count

ALPHA, PENALTY = 0.99, 0.05
MAX_CONCEPTS, TOLERANCE = 10, 0.02
HELD_OUT, SEED = 0.2, 0
# Of the concepts with a weight, those of largest weight are tried.
MAX_TRIED = 50
MAX_SWEEPS, STEADY = 500, 1e-6
# A concept must hold on three of its five likeliest images (the authors' rule: their mean is at least .5).
LIKELIEST, LEAST_MEAN = 5, 0.5


def describe_by_sums(given: Given) -> list[Told]:
    """One weighted sum per unit, with its correlation on held-out images."""
    concepts = given.concepts.astype(np.float64)
    usable = _find_usable(concepts)
    if not len(usable):
        raise CannotDescribe(f"No concept holds on some of the {say_count(len(concepts), 'image')} and not on others.")
    concepts = concepts[:, usable]
    names = [given.names[place] for place in usable]
    activations = given.activations.astype(np.float64)
    held = _hold_out(len(concepts))
    weights = fit_elastic_net(concepts[~held], activations[~held])
    return [_describe(concepts, activations[:, u], held, weights[:, u], names) for u in range(activations.shape[1])]


def fit_elastic_net(concepts: Array, activations: Array) -> Array:
    """(n_concepts, n_units) weights w of standardized columns x and y that minimize
    |y - x w|^2 / 2n + lambda (alpha |w|_1 + (1 - alpha) |w|^2 / 2), by coordinate descent for all units at once.
    """
    x, y = _standardize(concepts), _standardize(activations)
    gram, together = x.T @ x / len(x), x.T @ y / len(x)
    weights = np.zeros(together.shape)
    for _ in range(MAX_SWEEPS):
        largest = 0.0
        for j in range(len(weights)):
            rest = together[j] - gram[j] @ weights + gram[j, j] * weights[j]
            shrunk = np.sign(rest) * np.maximum(np.abs(rest) - PENALTY * ALPHA, 0)
            new = shrunk / (gram[j, j] + PENALTY * (1 - ALPHA))
            largest = max(largest, float(np.abs(new - weights[j]).max(initial=0)))
            weights[j] = new
        if largest < STEADY:
            break
    return weights


def _find_usable(concepts: Array) -> NDArray[np.intp]:
    n = min(LIKELIEST, len(concepts))
    likeliest = np.partition(concepts, len(concepts) - n, axis=0)[-n:].mean(axis=0)
    return np.flatnonzero((likeliest >= LEAST_MEAN) & (concepts.std(axis=0) >= 1e-5))


def _hold_out(n_images: int) -> NDArray[np.bool_]:
    held = np.zeros(n_images, dtype=bool)
    held[np.random.default_rng(SEED).permutation(n_images)[: max(1, round(HELD_OUT * n_images))]] = True
    return held


def _describe(concepts: Array, activation: Array, held: NDArray[np.bool_], weights: Array, names: list[str]) -> Told:
    """Of a unit to which the net gives no concept, the concept of highest correlation is tried alone."""
    order = np.argsort(-np.abs(weights), kind="stable")[:MAX_TRIED]
    tried = [int(c) for c in order if weights[c] != 0] or [_find_nearest(concepts[~held], activation[~held])]
    taken: list[int] = []
    best = -np.inf
    while len(taken) < MAX_CONCEPTS:
        found = [(_test(concepts, activation, held, [*taken, c]), -i, c) for i, c in enumerate(tried) if c not in taken]
        gained, _, concept = max(found, default=(-np.inf, 0, 0))
        if not found or (taken and gained < best + TOLERANCE):
            break
        taken, best = [*taken, concept], gained
    final = _solve(concepts[~held][:, taken], activation[~held])[1:]
    kept = sorted(zip((names[c] for c in taken), final.tolist(), strict=True), key=lambda one: -one[1])
    text = "; ".join(name if weight > 0 else f"not {name}" for name, weight in kept)
    return Told(text, float(best), {"weights": [list(one) for one in kept]})


def _find_nearest(concepts: Array, activation: Array) -> int:
    return int(np.abs(_standardize(concepts).T @ _standardize(activation)).argmax())


def _test(concepts: Array, activation: Array, held: NDArray[np.bool_], chosen: list[int]) -> float:
    """Correlation on held-out images; 0 if a side does not vary there."""
    bias, *weights = _solve(concepts[~held][:, chosen], activation[~held])
    said, real = concepts[held][:, chosen] @ np.array(weights) + bias, activation[held]
    if said.std() < 1e-12 or real.std() < 1e-12:
        return 0.0
    return float(np.corrcoef(said, real)[0, 1])


def _solve(columns: Array, activation: Array) -> Array:
    """Bias and weights by least squares."""
    design = np.column_stack([np.ones(len(columns)), columns])
    return np.asarray(np.linalg.lstsq(design, activation, rcond=None)[0], dtype=np.float64)


def _standardize(values: NDArray[np.floating[Any]]) -> Array:
    """Columns less their mean, over their deviation; zeros if all of a column are the same."""
    moved = values - values.mean(axis=0)
    deviation = moved.std(axis=0)
    return np.asarray(moved / np.where(deviation > 0, deviation, 1))
