"""The describers that run here, without a language model: one line each. A new one is a file and a line."""

from collections.abc import Callable
from dataclasses import dataclass

from annotator.studies.describers.given import Given, Told
from annotator.studies.describers.invert import describe_by_areas
from annotator.studies.describers.linear import describe_by_sums
from annotator.studies.describers.wpmi import describe_by_information


@dataclass(frozen=True)
class Describer:
    """`method`: its name as a method; `score_name`: what its scores are; `pooled`: what the authors make of a map;
    `grows`: whether concepts that are wider than the labels are added. `describe` is None if nothing is to be computed.
    """

    method: str
    score_name: str
    pooled: str
    grows: bool
    describe: Callable[[Given], list[Told]] | None


# Found while a layer is dissected, on label maps, and only kept here as descriptions.
COMPOSITIONS = "compositions"
DESCRIBERS = {
    "invert": Describer("INVERT", "auroc", "mean", True, describe_by_areas),
    "le-label": Describer("LE(label)", "val correlation", "mean", True, describe_by_sums),
    COMPOSITIONS: Describer("compositional IoU", "IoU", "", False, None),
    "soft-wpmi": Describer("soft-WPMI", "soft-WPMI", "mean", False, describe_by_information),
}
