"""Which sets of labels pixels carry: with one number per set, any formula of labels is a sum over sets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.label_maps import LabelRuns
from workers.engine.images.label_table import Label, LabelTable
from workers.engine.images.packed_labels import PackedLabels, pack_labels

# Numbers of sets are kept in 16 bits; 0 is the empty set.
MAX_PATTERNS = 65_534


@dataclass(frozen=True)
class Patterns:
    """`labels`: the number of each pixel's set of labels. `table` names the sets. `holds` (P, C): whether set i + 1
    holds the label at that place of the labels' own table.
    """

    labels: PackedLabels
    table: LabelTable
    holds: NDArray[np.bool_]


def find_patterns(labels: PackedLabels, index: LabelTable) -> Patterns | None:
    """None if there are more sets than MAX_PATTERNS."""
    columns = labels.in_columns(index.column_of_number())
    numbers: dict[frozenset[int], int] = {frozenset(): 0}
    runs = []
    for row in range(len(columns.images)):
        runs.append(_number_pixels(columns, row, numbers))
        if len(numbers) > MAX_PATTERNS + 1:
            return None
    holds = np.zeros((len(numbers), len(index.labels)), dtype=bool)
    for pattern, number in numbers.items():
        holds[number, [column - 1 for column in pattern]] = True
    table = LabelTable(
        tuple(Label(number, f"set {number}", "set", ("set",)) for number in range(1, len(numbers))), ("set",)
    )
    return Patterns(pack_labels(images=columns.images.tolist(), runs=runs), table, holds[1:])


def _number_pixels(columns: PackedLabels, row: int, numbers: dict[frozenset[int], int]) -> LabelRuns:
    """One image's sets as runs; new sets get the next numbers."""
    whole, maps = columns.unfold(row, once=True)
    height, width = int(columns.height[row]), int(columns.width[row])
    everywhere = frozenset(whole.tolist())
    local, kinds = np.zeros(height * width, dtype=np.int64), [everywhere]
    for one in maps:
        # Sets so far, each with each label of this map.
        keys, inverse = np.unique(local * (1 << 16) + one, return_inverse=True)
        kinds = [kinds[key >> 16] | ({key & 0xFFFF} - {0}) for key in keys.tolist()]
        local = inverse.reshape(-1)
    found = np.array([numbers.setdefault(frozenset(kind), len(numbers)) for kind in kinds], dtype=np.int64)[local]
    # More sets than fit are told by whoever counts them.
    pixels = np.minimum(found, 0xFFFF).astype(np.uint16)
    starts = np.flatnonzero(np.concatenate(([True], pixels[1:] != pixels[:-1]))).astype(np.int32)
    return LabelRuns(
        height=height, width=width, slot_category=np.zeros(1, np.int16), slot_whole=np.zeros(1, np.bool_),
        slot_start=np.array([0, len(starts)], dtype=np.int64), run_start=starts, run_label=pixels[starts],
    )  # fmt: skip
