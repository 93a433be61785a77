"""Picks units for another look by people: those that people and labeled pixels name differently, both being sure."""

from annotator.comparison.review_reasons import find_reason
from annotator.crowd.models import Campaign
from annotator.refusals import Refusal
from annotator.units.models import Unit
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE


class NothingToChoose(Refusal):
    """No unit of the campaign is named differently by people and labeled pixels, both being sure."""


def choose_differing(*, campaign: Campaign, n_units: int) -> list[Unit]:
    """At most `n_units`, highest IoU first, ties by layer and index. Raises NothingToChoose.

    The list is plain data for whoever composes the next campaign.
    """
    labels = campaign.unit_labels.filter(find_reason("broden")).select_related("unit__layer")
    ranked = labels.order_by("-comparison__automatic_label__iou", "unit__layer__position", "unit__index")[:n_units]
    if not ranked:
        raise NothingToChoose(
            f"No unit of campaign {campaign.name} is named differently where both are sure: "
            f"precision over {INTERPRETABLE_ABOVE:g} and IoU over {DETECTOR_ABOVE:g}."
        )
    return [label.unit for label in ranked]


def write_selection(units: list[Unit]) -> list[str]:
    """As `launch --units` reads it: "features.10:1,5,9", one text a layer."""
    by_layer: dict[str, list[int]] = {}
    for unit in units:
        by_layer.setdefault(unit.layer.path, []).append(unit.index)
    return [f"{path}:{','.join(str(index) for index in sorted(indexes))}" for path, indexes in by_layer.items()]
