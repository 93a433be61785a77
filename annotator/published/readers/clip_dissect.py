"""CLIP-Dissect's descriptions.csv, which may hold several layers; units count from zero there [OW23]."""

from collections.abc import Sequence

from annotator.published.readers.cells import BadFile, Row, read_sheet, refuse_doubled_units
from annotator.published.readers.records import ImportedName, LabelFile, PublishedReader

CLIP_COLUMNS = ("layer", "unit", "description", "similarity")


def read_descriptions(content: bytes, file: str, layer: str) -> LabelFile:
    rows = read_sheet(content, file=file, needed=CLIP_COLUMNS)
    return LabelFile(names=tuple(_read_names(rows, file=file, layer=layer)))


def recognizes(head: str, file_name: str) -> bool:
    return set(CLIP_COLUMNS) <= {cell.strip('"') for cell in head.split(",")}


def _read_names(rows: Sequence[Row], *, file: str, layer: str) -> list[ImportedName]:
    mine = [row for row in rows if row.text("layer") == layer]
    if not mine:
        others = ", ".join(sorted({row.text("layer") for row in rows})[:10])
        raise BadFile(f"{file}: no row of layer {layer}; it has {others}.")
    refuse_doubled_units(mine, lowest=0)
    return [
        ImportedName(
            index=row.whole("unit", lowest=0), name=row.text("description"), similarity=row.number_within("similarity")
        )
        for row in mine
    ]


READER = PublishedReader(ending=".csv", recognizes=recognizes, read=read_descriptions)
