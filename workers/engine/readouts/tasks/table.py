"""The tasks that a read-out can be fitted to: one line for each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.readouts.bench import Bench, Fitted
from workers.engine.readouts.options import CAPTION, CLASSIFY, CLUSTER, REGRESS, VQA
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.shown import Shown, Wanted
from workers.engine.readouts.tasks import caption, classify, cluster, regress, vqa


@dataclass(frozen=True)
class Task:
    """`fit` makes a read-out of data; `show` reads the maps (K, h, w) of one photograph with it."""

    fit: Callable[[Bench], Fitted]
    show: Callable[[Readout, NDArray[np.float32], Wanted], Shown]


TABLE = {
    CLASSIFY: Task(classify.fit, classify.show),
    REGRESS: Task(regress.fit, regress.show),
    CLUSTER: Task(cluster.fit, cluster.show),
    VQA: Task(vqa.fit, vqa.show),
    CAPTION: Task(caption.fit, caption.show),
}
