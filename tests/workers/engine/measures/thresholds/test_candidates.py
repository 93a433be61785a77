"""The bound that counts tell lies below what ordering tells, and not far."""

import numpy as np
import pytest
import torch

from workers.engine.measures.thresholds.step_counts import StepCounts

N_KEEP = 40


@pytest.mark.parametrize(
    ("shift", "share"), [(0.0, 0.9), (1.0, 0.9), (-30.0, 1.2), (1e-30, 0.9)], ids=["relu", "over", "negative", "tiny"]
)
def test_counts_tell_a_bound_that_enough_values_reach(shift: float, share: float) -> None:
    random = np.random.default_rng(3)
    batches = (np.abs(random.standard_normal((9, 5, 400))) + shift).astype(np.float32)
    every = np.sort(batches.transpose(1, 0, 2).reshape(5, -1), axis=1)
    bound = torch.from_numpy(np.sort(batches[0], axis=1)[:, -N_KEEP].copy())
    counts = StepCounts(base=bound, top=torch.from_numpy(batches[0].max(axis=1)), n_keep=N_KEEP)
    for batch in batches:
        unit, place = np.nonzero(batch > bound.numpy()[:, None])
        counts.add(unit=torch.from_numpy(unit), value=torch.from_numpy(batch[unit, place]))
        bound = torch.maximum(bound, counts.bound())
    exact = every[:, -N_KEEP]
    assert (bound.numpy() <= exact).all()
    assert (bound.numpy() >= exact * np.float32(share)).all()


def test_ties_and_signs_of_zero_never_lift_the_bound_over_the_order() -> None:
    values = np.array([[-0.0, 0.0, 0.0, -1e-45, 3.0, 3.0, 3.0, 1e38]], dtype=np.float32)
    for n_keep in range(1, 8):
        base = torch.tensor([-1.0])
        counts = StepCounts(base=base, top=torch.tensor([3.0]), n_keep=n_keep)
        counts.add(unit=torch.zeros(8, dtype=torch.int64), value=torch.from_numpy(values[0]))
        assert float(counts.bound()) <= np.sort(values[0])[-n_keep]
        assert float(counts.bound()) >= -1.0
