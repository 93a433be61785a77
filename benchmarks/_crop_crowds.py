"""25 people mark the 57 crops of 64 units, three per unit; some of them mark nothing: how likely is each crop to fit?

A careful person marks a fitting crop by mistake (Beta 2, 12) and keeps one that does not fit (Beta 2, 8) at rates
drawn for each answer.
"""

from dataclasses import dataclass

import numpy as np

from annotator.labels.aggregation import Answers, Array, estimate_probabilities
from annotator.labels.precision import N_TOP_CROPS

N_WORKERS, N_UNITS, N_ANSWERS = 25, 64, 3


@dataclass(frozen=True, eq=False)
class CropCrowd:
    answers: Answers
    # Shape (n_units * N_TOP_CROPS,): 1 if the crop fits.
    truth: Array

    def estimate_fits(self) -> Array:
        return np.asarray(estimate_probabilities(self.answers)[:, 1])

    def count_keeping(self) -> Array:
        """The share of the people who keep the crop."""
        return np.asarray(self.answers.count_by(self.answers.task, self.answers.n_tasks)[:, 1] / N_ANSWERS)

    def find_error(self, probabilities: Array) -> float:
        """Mean squared error (Brier)."""
        return float(np.mean((probabilities - self.truth) ** 2))


def draw_crops(share_marking_nothing: float, seed: int) -> CropCrowd:
    generator = np.random.default_rng(seed)
    fits = generator.random((N_UNITS, N_TOP_CROPS)) < generator.beta(9.5, 3.1, size=N_UNITS)[:, None]
    is_blind = np.arange(N_WORKERS) < round(share_marking_nothing * N_WORKERS)
    worker = np.concatenate([generator.choice(N_WORKERS, N_ANSWERS, replace=False) for _ in range(N_UNITS)])
    unit = np.repeat(np.arange(N_UNITS), N_ANSWERS)
    shape = (len(unit), 1)
    keeps = np.where(fits[unit], 1 - generator.beta(2, 12, size=shape), generator.beta(2, 8, size=shape))
    kept = (generator.random(keeps.shape) < keeps) | is_blind[worker][:, None]
    crop = unit[:, None] * N_TOP_CROPS + np.arange(N_TOP_CROPS)
    answers = Answers(
        task=crop.reshape(-1),
        worker=np.repeat(worker, N_TOP_CROPS),
        label=kept.reshape(-1).astype(np.int64),
        n_tasks=N_UNITS * N_TOP_CROPS,
        n_workers=N_WORKERS,
        n_labels=2,
    )
    return CropCrowd(answers, fits.reshape(-1).astype(np.float64))
