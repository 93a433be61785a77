"""Fit a read-out: pool the units of a layer over photographs, learn the task, judge it. docs/readouts.md."""

from typing import Any

from workers.engine.readouts.bench import Bench
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.tasks.table import TABLE


def fit_readout(task: str, bench: Bench) -> tuple[Readout, dict[str, Any]]:
    """The read-out, and the report as docs/readouts.md lists it. Raises ReadoutInvalid, ImageSetError, LayerError,
    NetworkError.
    """
    fitted = TABLE[task].fit(bench)
    network, shape = bench.layer.network, bench.layer.shape
    readout = Readout(task, network.describe(), shape.path, shape.n_units, fitted.facts, fitted.arrays)
    keys = sorted({one.key for one in bench.pooled})
    report = {
        "task": task,
        "layer": shape.path,
        "n_units": shape.n_units,
        "n_answers": len(readout.names),
        **fitted.report,
        **bench.describe_unreadable(),
        "features": keys,
    }
    return readout, report
