"""What the JSON columns of a bundle's rows look like. Pages and reports rely on it; more keys may stand there.

A test fails when a JSON column of a table has no shape.
"""

from typing import Annotated, Any, NotRequired

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

_Count = Annotated[int, Field(ge=0)]
_Ranks = list[_Count]
_Things = dict[str, Any]


class _Group(TypedDict):
    """Of the answers about a unit: those that mean the same."""

    name: str
    members: _Ranks
    reasons: list[str]
    weight: float
    summed_precision: float


class _Weighed(TypedDict):
    """An answer as labeling read it."""

    description: str
    form: str
    category: NotRequired[str | None]  # absent in labels made before it was recorded
    weight: float
    precision: float | None


class _Reasons(TypedDict, total=False):
    groups: list[_Group]
    answers: list[_Weighed]
    renamed_by: Any


class _Counted(TypedDict):
    """Detectors of a layer, of one mode of IoU."""

    n_detectors: _Count
    n_unique: NotRequired[_Count]
    n_detectors_interval: NotRequired[list[float] | None]
    n_unique_interval: NotRequired[list[float] | None]


class _Detectors(_Counted):
    random_weights: NotRequired[_Counted | None]
    shuffled_labels: NotRequired[_Counted | None]


class _Label(TypedDict):
    number: int
    name: str
    category: NotRequired[str]
    categories: NotRequired[list[str]]


class _Qualifications(TypedDict, total=False):
    locales: list[str]
    excluded_campaigns: list[str]
    min_approval_percent: int | None
    min_approved: int | None
    screening: _Things


# By model and column.
SHAPES: dict[str, Any] = {
    "Network.preprocessing": _Things,
    "Layer.theoretical_receptive_field": _Things,
    "Layer.importance_over": _Things,
    "Dissection.layer_paths": list[str],
    "Dissection.options": _Things,
    "Dissection.passed_over": list[_Things],
    "Dissection.seconds_by_stage": dict[str, float],
    "Dissection.environment": _Things,
    "Dissection.detectors": dict[str, dict[str, _Detectors]],
    "Dissection.labels": list[_Label],
    "Dissection.layer_facts": dict[str, _Things],
    "DissectedUnit.peak_histogram": list[_Count],
    "DissectedUnit.values": _Things,
    "Description.details": _Things,
    "Campaign.qualifications": _Qualifications,
    "Campaign.quote": dict[str, str | int | float | None],
    "HITType.fields": _Things,
    "HITUnit.texts": list[str],
    "HITUnit.facts": _Things,
    "Answer.shown_ranks": _Ranks,
    "Answer.planted_ranks": _Ranks,
    "Answer.marked_ranks": _Ranks,
    "Answer.says": _Things,
    "Answer.metrics": dict[str, float | bool | None],
    "Rejection.evidence": _Things,
    "UnitLabel.reasons": _Reasons,
    "UnitLabel.crop_probabilities": dict[str, float],
    "ConceptRevision.words": list[str],
}
_CHECKS = {column: TypeAdapter(shape) for column, shape in SHAPES.items()}


def find_misfit(column: str, value: Any) -> str:
    """What about the value of this column is of another shape, in a few words; empty if nothing is."""
    try:
        _CHECKS[column].validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
    return ""
