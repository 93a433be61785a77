"""The measures, in the order in which they are completed: one line for each.

A measure is a folder: `arrays.py` (numpy only: its options, its arrays, what the database keeps of them) with
`RECORDED`, and `measure.py` with `MEASURE`, what is computed while the network runs and after. Paths stand here as
text, because the annotator reads the first half where torch is not installed.
"""

from importlib import import_module
from typing import Any

from workers.engine.format.artifact import Arrays, layer_name
from workers.engine.measures.recorded import Recorded, UnitRows, from_arrays

MEASURES = [
    "workers.engine.measures.rotation",
    "workers.engine.measures.top_images",
    "workers.engine.measures.thresholds",
    "workers.engine.measures.iou",
    "workers.engine.measures.compositions",
    "workers.engine.measures.empirical_fields",
    "workers.engine.measures.crops",
    "workers.engine.measures.exemplars",
    "workers.engine.measures.activation_vectors",
]


def list_recorded() -> list[Recorded]:
    """The half of each measure that needs no torch."""
    return [import_module(f"{path}.arrays").RECORDED for path in MEASURES]


def list_layer_files(place: int) -> list[str]:
    """Names of all files that a dissection may have for the manifest's layer."""
    return [layer_name(place), *(name for measure in list_recorded() for name in measure.files(place))]


def gather_rows(arrays: Arrays, manifest: dict[str, Any]) -> dict[str, list[UnitRows]]:
    """By measure, what each unit's rows hold, from one layer's arrays; measures that were not asked for are absent."""
    found: dict[str, list[UnitRows]] = {}
    for measure in list_recorded():
        record = from_arrays(measure.arrays, arrays) if measure.arrays else None
        if record is not None:
            found[measure.name] = list(measure.ingest(record, manifest))
    return found
