"""Writes a dissection in the formats that others read: Network Dissection's and MILAN's."""

import io
from pathlib import Path

import numpy as np

from annotator.published.folders import whole_folder
from annotator.published.netdissect import name_file, write_labels
from annotator.units.models import Dissection
from workers.engine.measures.exemplars.arrays import NAMES, exemplar_name
from workers.store import open_store


def export_dissection(*, dissection: Dissection, folder: Path, mode: str) -> list[str]:
    """Files written, by name; an existing folder must be empty. Raises FolderInTheWay, StoreError.

    Per layer: Network Dissection's result CSV of that mode of IoU (units counted from 1 there), its thresholds, float64
    by unit, and the exemplars, if they were kept.
    """
    store = open_store(dissection.artifact)
    written: list[str] = []
    with whole_folder(folder) as fresh:

        def write(name: str, content: bytes) -> None:
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(content)
            written.append(name)

        for place, path in enumerate(dissection.layer_paths):
            safe = path.replace("/", "-")
            if table := write_labels(dissection.automatic_labels.filter(unit__layer__path=path, mode=mode)):
                write(name_file(path), table)
            write(f"thresholds-{safe}.npy", _write_thresholds(dissection, path))
            for name in NAMES:
                if store.exists(exemplar_name(place, name)):
                    write(f"exemplars-{safe}/{name}", store.read(exemplar_name(place, name)))
    return written


def _write_thresholds(dissection: Dissection, path: str) -> bytes:
    units = dissection.dissected_units.filter(unit__layer__path=path).order_by("unit__index")
    buffer = io.BytesIO()
    np.save(buffer, np.array(list(units.values_list("threshold", flat=True)), dtype=np.float64), allow_pickle=False)
    return buffer.getvalue()
