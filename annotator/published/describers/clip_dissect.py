"""CLIP-Dissect's descriptions.csv: one row per unit, counted from zero, with a similarity [OW23]."""

from annotator.published.describers.records import Describer, read_plain

COLUMNS = frozenset({"layer", "unit", "description", "similarity"})

DESCRIBER = Describer(
    method="CLIP-Dissect",
    recognizes=lambda columns: columns >= COLUMNS,
    read=read_plain,
    name_score=lambda columns, choices: choices.score_column or "similarity",
)
