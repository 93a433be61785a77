"""MILANNOTATIONS: what people wrote, several rows per unit counted from zero; the first is the description [HSBBTA22].

Who wrote a row is not recorded, so the rows of a unit are not several methods.
"""

from collections.abc import Sequence
from dataclasses import replace

from annotator.published.describers.records import Choices, Describer, ReadDescription, read_plain
from annotator.published.readers.cells import Row


def _read(rows: Sequence[Row], choices: Choices) -> list[ReadDescription]:
    by_unit: dict[tuple[str, int], list[ReadDescription]] = {}
    for one in read_plain(rows, replace(choices, text_column="summary")):
        by_unit.setdefault((one.layer, one.index), []).append(one)
    return [replace(first, details={"others": [one.text for one in rest]}) for first, *rest in by_unit.values()]


DESCRIBER = Describer(
    method="MILANNOTATIONS",
    recognizes=lambda columns: columns == {"layer", "unit", "summary"},
    read=_read,
    name_score=lambda columns, choices: "",
)
