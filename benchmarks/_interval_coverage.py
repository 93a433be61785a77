"""How often the 95 % interval of a unit's precision holds its true mean, on crowds that spread in four ways.

`beta_binomial`: one overdispersion, .21. `logit_normal`: people's log odds lie normally around the unit's own.
`mixed`: on half of the units people agree (overdispersion .08), on the others they do not (.35).
`published`: answers are a published unit's mean plus a residual of published units of the same layer and about the
same mean (Places205-AlexNet, five layers), cut to [0, 1]. The true mean is that of all answers that could be drawn.
A residual is an answer less its unit's mean over three answers, stretched by sqrt(3/2), since the mean holds a third
of the answer itself.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.labels.answer_counts import AnswerCounts
from annotator.labels.precision import N_TOP_CROPS, measure_precision
from annotator.published.readers.mat import read_mat_answers

Array = NDArray[np.float64]
# (generator, number of answers) -> crops kept (n_units, n_answers), true means (n_units,), layers (n_units,)
Draw = Callable[[np.random.Generator, int], tuple[Array, Array, NDArray[np.int64]]]

N_ANSWERS = (2, 3, 5)
N_UNITS = 256
N_NEIGHBORS = 60


def draw_beta_binomial(generator: np.random.Generator, n_answers: int) -> tuple[Array, Array, NDArray[np.int64]]:
    return _draw_around(generator, n_answers, overdispersion=np.full(N_UNITS, 0.21))


def draw_mixed(generator: np.random.Generator, n_answers: int) -> tuple[Array, Array, NDArray[np.int64]]:
    return _draw_around(generator, n_answers, overdispersion=generator.choice([0.08, 0.35], size=N_UNITS))


def _draw_around(
    generator: np.random.Generator, n_answers: int, *, overdispersion: Array
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Units' means as published: mean .752, deviation .117."""
    truth = generator.beta(9.5, 3.1, size=N_UNITS)
    together = ((1 - overdispersion) / overdispersion)[:, None]
    people = generator.beta(truth[:, None] * together, (1 - truth[:, None]) * together, size=(N_UNITS, n_answers))
    return generator.binomial(N_TOP_CROPS, people).astype(float), truth, np.zeros(N_UNITS, dtype=np.int64)


def draw_logit_normal(generator: np.random.Generator, n_answers: int) -> tuple[Array, Array, NDArray[np.int64]]:
    deviation = 1.35
    units = generator.normal(1.55, 0.75, size=N_UNITS)
    truth = _squash(units[:, None] + deviation * generator.normal(size=4000)).mean(axis=1)
    people = _squash(units[:, None] + deviation * generator.normal(size=(N_UNITS, n_answers)))
    return generator.binomial(N_TOP_CROPS, people).astype(float), truth, np.zeros(N_UNITS, dtype=np.int64)


def _squash(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logits)))


def read_published(path: Path) -> list[Array]:
    """For each layer the published shares, shape (n_units, 3)."""
    layers: dict[str, dict[int, list[float]]] = {}
    for answer in read_mat_answers(path.read_bytes(), path.name, "").answers:
        layer, index = answer.place
        layers.setdefault(layer, {}).setdefault(index, []).append(answer.precision)
    return [np.array([units[index] for index in sorted(units)]) for units in layers.values()]


def make_published(layers: list[Array]) -> Draw:
    pools = [_pool_answers(shares) for shares in layers]

    def draw(generator: np.random.Generator, n_answers: int) -> tuple[Array, Array, NDArray[np.int64]]:
        kept, truth, layer = [], [], []
        for number, pool in enumerate(pools):
            rows = generator.integers(len(pool), size=(len(pool), 1))
            columns = generator.integers(pool.shape[1], size=(len(pool), n_answers))
            kept.append(pool[rows, columns])
            truth.append(pool[rows[:, 0]].mean(axis=1) / N_TOP_CROPS)
            layer.append(np.full(len(pool), number))
        return np.concatenate(kept), np.concatenate(truth), np.concatenate(layer)

    return draw


def _pool_answers(shares: Array) -> Array:
    """Shape (n_units, 3 N_NEIGHBORS): the answers that can be drawn for each unit, as whole crops."""
    means = shares.mean(axis=1)
    residuals = (shares - means[:, None]) * np.sqrt(1.5)
    order = np.argsort(means, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    first = np.clip(place - N_NEIGHBORS // 2, 0, len(order) - N_NEIGHBORS)
    near = order[first[:, None] + np.arange(N_NEIGHBORS)]
    answers = means[:, None] + residuals[near].reshape(len(order), -1)
    return np.asarray(np.rint(np.clip(answers, 0, 1) * N_TOP_CROPS))


def measure_coverage(draw: Draw, *, n_answers: int, n_campaigns: int) -> float:
    """The share of units, over these campaigns, whose interval holds the true mean."""
    n_held, n_units = 0, 0
    for seed in range(n_campaigns):
        kept, truth, layer = draw(np.random.default_rng(seed), n_answers)
        counts = AnswerCounts(
            unit=np.repeat(np.arange(len(kept)), n_answers),
            n_fitting=kept.reshape(-1).astype(np.int64),
            n_shown=np.full(kept.size, N_TOP_CROPS),
        )
        found = measure_precision(counts, layer=layer)
        n_held += int(np.sum((found.low <= truth) & (truth <= found.high)))
        n_units += len(truth)
    return n_held / n_units


def list_crowds(published: Path | None) -> Mapping[str, Draw]:
    crowds: dict[str, Draw] = {
        "beta_binomial": draw_beta_binomial,
        "logit_normal": draw_logit_normal,
        "mixed": draw_mixed,
    }
    return crowds | ({"published": make_published(read_published(published))} if published else {})


def measure_all(published: Path | None, *, n_campaigns: int) -> Iterator[tuple[str, int, float]]:
    """(crowd, number of answers, coverage)."""
    for name, draw in list_crowds(published).items():
        for n_answers in N_ANSWERS:
            yield name, n_answers, measure_coverage(draw, n_answers=n_answers, n_campaigns=n_campaigns)
