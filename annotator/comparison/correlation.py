"""Rank correlation of people's precision with Broden's IoU, with an interval by bootstrap over units."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

N_RESAMPLES = 1000
SEED = 1904
MIN_UNITS = 3


def correlate_ranks(first: Sequence[float], second: Sequence[float]) -> dict[str, float | None]:
    """Spearman's rho, low, high and n_units; rho is None with fewer than three units, or if one side never varies.

    The interval is the 95 % percentile interval; a resample in which a side never varies is left out.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    rho = _spearman(a, b) if len(a) >= MIN_UNITS else None
    if rho is None:
        return {"rho": None, "low": None, "high": None, "n_units": len(a)}
    generator = np.random.default_rng(SEED)
    rows = (generator.integers(len(a), size=len(a)) for _ in range(N_RESAMPLES))
    found = [drawn for row in rows if (drawn := _spearman(a[row], b[row])) is not None]
    low, high = np.quantile(found, [0.025, 0.975])
    return {"rho": rho, "low": float(low), "high": float(high), "n_units": len(a)}


def _spearman(a: Array, b: Array) -> float | None:
    """Equal values share the mean of their ranks."""
    # Imported here, because it takes a second and 70 MiB. A web process that shows no report does not need it.
    from scipy.stats import rankdata

    ranks_a, ranks_b = rankdata(a), rankdata(b)
    da, db = ranks_a - ranks_a.mean(), ranks_b - ranks_b.mean()
    scale = float(np.sqrt((da**2).sum() * (db**2).sum()))
    return float((da * db).sum()) / scale if scale > 0 else None
