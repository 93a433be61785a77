"""A layer's figures by people: mean precision, interpretable units and semantic categories, weighted by how the units
were chosen, each with its 95 % interval by bootstrap over units (docs/measures.md, Layer figures).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator.comparison.categories import estimate_shares
from annotator.comparison.layer_sampling import Chosen, Sample, weigh_units
from annotator.crowd.hit_types.templates import list_names
from annotator.crowd.models import Campaign, HITUnit
from annotator.labels.counted_answers import CountedAnswer
from annotator.labels.models import UnitLabel
from annotator.units.models import DissectedUnit, Layer
from workers.engine.format.bounds import INTERPRETABLE_ABOVE
from workers.engine.resampling import Estimate, bootstrap, count_effective, estimate_mean, widen_certain

Document = dict[str, Any]

SEED = 1995
PEOPLE_FIGURES = (
    "mean_precision", "mean_precision_interval", "n_interpretable", "n_interpretable_interval", "interpretable_share",
    "category_shares", "category_share_intervals", "unit_category_shares", "unit_category_share_intervals",
)  # fmt: skip
NOBODY_ASKED: Document = {**dict.fromkeys(PEOPLE_FIGURES), "chosen": {}, "figures_from": None}


@dataclass(frozen=True)
class AskedUnit:
    """A unit of a campaign: why it was chosen, and the dissection whose crops people saw, if there is one."""

    layer_id: int
    dissection_id: Any
    silence: str
    chosen: Chosen


def find_asked(campaign: Campaign) -> dict[int, AskedUnit]:
    """By unit, over the HITs whose answers add to a label."""
    rows = HITUnit.objects.filter(hit__campaign=campaign, hit__hit_type__template__in=list_names(adds_to="label"))
    values = rows.order_by("id").values_list(
        "unit_id", "unit__layer_id", "dissected_unit__dissection_id", "dissected_unit__silence", "chosen_because",
        "inclusion_probability",
    )  # fmt: skip
    return {
        unit: AskedUnit(layer, dissection, silence or "", Chosen(unit, because, probability))
        for unit, layer, dissection, silence, because, probability in values
    }


def describe_choice(asked: AskedUnit | None) -> Document:
    """Whether a unit is silent, why it was chosen, and with what probability; None if this was not recorded."""
    return {
        "silence": (asked.silence or None) if asked else None,
        "chosen_because": (asked.chosen.because or None) if asked else None,
        "inclusion_probability": asked.chosen.probability if asked else None,
    }


def count_silent(*, layer: Layer, dissection_id: Any) -> Document:
    """Silent units of the layer by that dissection, and their share; None if there is no dissection."""
    if dissection_id is None:
        return {"n_silent": None, "silent_share": None}
    measured = DissectedUnit.objects.filter(dissection=dissection_id, unit__layer=layer)
    n_silent = measured.exclude(silence="").count()
    return {"n_silent": n_silent, "silent_share": n_silent / layer.n_units if layer.n_units else 0.0}


def describe_layer_people(
    layer: Layer,
    labels: Sequence[UnitLabel],
    by_unit: dict[int, list[CountedAnswer]],
    asked: dict[int, AskedUnit],
) -> Document:
    """The figures of PEOPLE_FIGURES; None without labels, and if the labeled units are no sample of the layer."""
    mine = [one for one in asked.values() if one.layer_id == layer.id]
    silent = count_silent(layer=layer, dissection_id=find_shown_dissection(mine))
    told = [label for label in labels if not (label.unit_id in asked and asked[label.unit_id].silence)]
    counts = Counter(one.chosen.reason for one in mine)
    if not told:
        return {**NOBODY_ASKED, **silent, "chosen": dict(counts)}
    sample = weigh_units(
        [one.chosen for one in mine if not one.silence],
        labeled=[label.unit_id for label in told],
        n_units=layer.n_units - (silent["n_silent"] or 0),
    )
    return {
        **NOBODY_ASKED,
        **silent,
        **_estimate(sample, told, by_unit),
        "chosen": dict(counts),
        "figures_from": sample.how,
    }


def find_shown_dissection(asked: Sequence[AskedUnit]) -> Any:
    """The dissection whose crops people saw of most of these units."""
    counts = Counter(one.dissection_id for one in asked if one.dissection_id is not None)
    return counts.most_common(1)[0][0] if counts else None


def _estimate(sample: Sample, labels: Sequence[UnitLabel], by_unit: dict[int, list[CountedAnswer]]) -> Document:
    if sample.weights is None:
        return {}
    weights, strata = sample.weights, sample.strata
    precisions = np.array([label.precision for label in labels])
    flags = (precisions > INTERPRETABLE_ABOVE).astype(float)
    count = widen_certain(
        bootstrap(lambda drawn: drawn @ (weights * flags), n=len(flags), seed=SEED, strata=strata),
        n=count_effective(weights),
        whole=float(weights.sum()),
    )
    mean = estimate_mean(precisions, seed=SEED, weights=weights, strata=strata)
    said = [[answer.category for answer in by_unit.get(label.unit_id, [])] for label in labels]
    of_answers = estimate_shares(said, weights=weights, strata=strata)
    of_units = estimate_shares([[label.category] for label in labels], weights=weights, strata=strata)
    is_count = bool(np.all(weights == 1))
    assert count.value is not None  # there is a label
    values = (
        mean.value,
        _bound(mean, sample),
        round(count.value) if is_count else count.value,
        _bound(count, sample),
        count.value / float(weights.sum()),
        {category: share.value or 0.0 for category, share in of_answers.items()},
        {category: _bound(share, sample) for category, share in of_answers.items()},
        {category: share.value or 0.0 for category, share in of_units.items()},
        {category: _bound(share, sample) for category, share in of_units.items()},
    )
    return dict(zip(PEOPLE_FIGURES, values, strict=True))


def _bound(found: Estimate, sample: Sample) -> dict[str, float | None]:
    return {"low": found.low, "high": found.high} if sample.has_interval else {"low": None, "high": None}
