"""The mean activation of each unit: a measure that only tests have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.recorded import Recorded, UnitRows, option


@dataclass(frozen=True)
class MeanOptions:
    mean_scale: float = option(1.0, "factor of the mean activation", low=0, high=1000)


@dataclass(frozen=True)
class Means:
    mean_activation: NDArray[np.float64]


def ingest(arrays: Means, manifest: Mapping[str, Any]) -> Iterator[UnitRows]:
    for mean in arrays.mean_activation.tolist():
        yield UnitRows(value=mean)


RECORDED = Recorded(name="mean_activation", arrays=Means, options=MeanOptions, ingest=ingest)
