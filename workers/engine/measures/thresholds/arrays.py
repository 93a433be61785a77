"""Thresholds, as the artifact keeps them and as the database takes them in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.recorded import Recorded, UnitRows, option


@dataclass(frozen=True)
class ThresholdOptions:
    """`tail`: the share of a unit's values that lies over its threshold."""

    tail: float = option(0.005, "share of a unit's values over its threshold", low=0, high=1, is_open=True)


@dataclass(frozen=True)
class Thresholds:
    """`threshold` (U,): T_u."""

    threshold: NDArray[np.float32]


def ingest(arrays: Thresholds, manifest: Mapping[str, Any]) -> Iterator[UnitRows]:
    for threshold in arrays.threshold.tolist():
        yield UnitRows(columns={"threshold": threshold})


RECORDED = Recorded(name="thresholds", arrays=Thresholds, options=ThresholdOptions, ingest=ingest)
