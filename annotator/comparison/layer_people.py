"""What people said of a layer in one campaign, unit by unit, as two campaigns are compared by it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator.comparison.comparing import choose_automatic_labels, make_matcher
from annotator.comparison.layer_figures import count_silent, find_asked, find_shown_dissection
from annotator.comparison.layer_sampling import Chosen, Sample, weigh_units
from annotator.crowd.models import Campaign
from annotator.labels.labeling import check_lexicon, gather_vocabulary
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Layer
from workers.engine.format.bounds import INTERPRETABLE_ABOVE

PRECISION, INTERPRETABLE = "mean precision", "share interpretable"
IDENTICAL, NAMED_ALIKE = "agreement between people", "share named alike by people and pixels"
FIGURES = (PRECISION, INTERPRETABLE, IDENTICAL, NAMED_ALIKE)


@dataclass(frozen=True)
class LayerPeople:
    """`chosen`: by unit, all that people were asked about and that are not silent. `values`: by figure and unit.

    `crops`: the dissections whose crops people saw; None among them: imported answers. `n_units` of the layer without
    its silent ones. `sources` of the automatic labels.
    """

    layer: Layer
    chosen: dict[int, Chosen]
    crops: frozenset[Any]
    n_units: int
    values: dict[str, dict[int, float]]
    sources: frozenset[str]

    def weigh(self, units: Iterable[int]) -> Sample:
        return weigh_units(list(self.chosen.values()), labeled=list(units), n_units=self.n_units)


def gather_layers(campaign: Campaign) -> list[LayerPeople]:
    """The layers with a label, in the order of the network. Raises OtherLexicon."""
    check_lexicon(campaign=campaign)
    asked = find_asked(campaign)
    silent = {unit for unit, one in asked.items() if one.silence}
    by_layer: dict[Layer, list[UnitLabel]] = {}
    rows = campaign.unit_labels.exclude(unit__in=silent).select_related("unit__layer__network")
    for label in rows.order_by("unit__layer__position", "unit__layer__path", "unit__index"):
        by_layer.setdefault(label.unit.layer, []).append(label)
    automatic = choose_automatic_labels(campaign=campaign)
    alike = _find_named_alike(campaign, [label for labels in by_layer.values() for label in labels], automatic)
    found = []
    for layer, labels in by_layer.items():
        mine = {unit: one for unit, one in asked.items() if one.layer_id == layer.pk and unit not in silent}
        crops = frozenset(one.dissection_id for one in mine.values())
        shown = find_shown_dissection([one for one in asked.values() if one.layer_id == layer.pk])
        n_silent = count_silent(layer=layer, dissection_id=shown)["n_silent"] or 0
        sources = frozenset(automatic[unit].source for unit in mine if unit in automatic)
        chosen = {unit: one.chosen for unit, one in mine.items()}
        found.append(LayerPeople(layer, chosen, crops, layer.n_units - n_silent, _measure(labels, alike), sources))
    return found


def _measure(labels: list[UnitLabel], alike: dict[int, float]) -> dict[str, dict[int, float]]:
    rates = {label.unit_id: _find_identical(label) for label in labels}
    return {
        PRECISION: {label.unit_id: label.precision for label in labels},
        INTERPRETABLE: {label.unit_id: float(label.precision > INTERPRETABLE_ABOVE) for label in labels},
        IDENTICAL: {unit: rate for unit, rate in rates.items() if rate is not None},
        NAMED_ALIKE: {label.unit_id: alike[label.unit_id] for label in labels if label.unit_id in alike},
    }


def _find_identical(label: UnitLabel) -> float | None:
    """Of the pairs of answers that name something, the share that name the same concept."""
    sizes = np.array([len(group["members"]) for group in label.reasons.get("groups", [])])
    n_pairs = sizes.sum() * (sizes.sum() - 1)
    return float((sizes * (sizes - 1)).sum() / n_pairs) if n_pairs else None


def _find_named_alike(
    campaign: Campaign, labels: list[UnitLabel], automatic: dict[int, AutomaticLabel]
) -> dict[int, float]:
    is_same = make_matcher(gather_vocabulary(campaign=campaign))
    both = [(label, automatic[label.unit_id].label) for label in labels if label.unit_id in automatic]
    return {label.unit_id: float(is_same(label.concept or "", name)) for label, name in both}
