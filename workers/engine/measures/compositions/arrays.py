"""Options of compositions, and what the artifact and the database keep of each unit's formula of labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.recorded import Recorded, UnitRows, option

JOINTS = ("AND", "OR", "AND NOT")


@dataclass(frozen=True)
class CompositionsOptions:
    compositions: bool = option(False, "find the formula of up to three labels that fits each unit's mask best")


@dataclass(frozen=True)
class Compositions:
    """`composed_labels` (U, 3) int32 label numbers, 0 for none; `composed_joints` (U, 2) int8, one more than the place
    in JOINTS, 0 for none; `composed_iou` (U,) float64. A formula is read from the left.
    """

    composed_labels: NDArray[np.int32]
    composed_joints: NDArray[np.int8]
    composed_iou: NDArray[np.float64]


def spell(names: list[str], joints: list[str]) -> str:
    """`(a OR b) AND NOT c` for three names and two joints."""
    text = names[0]
    for place, (joint, name) in enumerate(zip(joints, names[1:], strict=True)):
        text = f"({text}) {joint} {name}" if place else f"{text} {joint} {name}"
    return text


def ingest(arrays: Compositions, manifest: Mapping[str, Any]) -> Iterator[UnitRows]:
    """The formula in words, and its IoU; nothing of a unit whose mask meets no label."""
    names = {entry["number"]: entry["name"] for entry in manifest["labels"]}
    rows = zip(
        arrays.composed_labels.tolist(), arrays.composed_joints.tolist(), arrays.composed_iou.tolist(), strict=True
    )
    for labels, joints, iou in rows:
        said = [names[number] for number in labels if number]
        joined = [JOINTS[joint - 1] for joint in joints if joint]
        yield UnitRows(value={"names": said, "joints": joined, "iou": iou} if said else None)


RECORDED = Recorded(name="compositions", arrays=Compositions, options=CompositionsOptions, ingest=ingest)
