"""MILAN's captions: layer, unit counted from zero, description, and nothing else [HSBBTA22]."""

from annotator.published.describers.records import Describer, read_plain

DESCRIBER = Describer(
    method="MILAN",
    recognizes=lambda columns: columns == {"layer", "unit", "description"},
    read=read_plain,
    name_score=lambda columns, choices: "",
)
