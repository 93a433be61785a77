"""The report of a campaign or a dissection: one document of plain values, in the shape that others rely on."""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from annotator.comparison.categories import BRODEN_CATEGORIES, share_categories
from annotator.comparison.comparing import choose_automatic_labels, make_matcher
from annotator.comparison.models import ImportedDescription
from annotator.comparison.relations import find_relation
from annotator.comparison.summary import Document, summarize, summarize_descriptions
from annotator.crowd.models import Assignment, Campaign
from annotator.labels.concepts import Vocabulary
from annotator.labels.consensus import describe_consensus, describe_workers
from annotator.labels.counted_answers import CountedAnswer, gather_answers, split_by_unit
from annotator.labels.labeling import check_lexicon, gather_vocabulary
from annotator.labels.models import UnitLabel
from annotator.labels.precision import count_interpretable
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Layer, Unit
from workers.engine.format.bounds import DETECTOR_ABOVE

SOME_SIMULATED = "people, some of them simulated"


def describe_campaign(*, campaign: Campaign) -> Document:
    """Everything that is known of the campaign's labeled units; absent values are None. Raises OtherLexicon."""
    check_lexicon(campaign=campaign)
    answers = gather_answers(campaign=campaign)
    by_unit = split_by_unit(answers)
    labels = list(campaign.unit_labels.select_related("unit__layer__network", "comparison"))
    labels.sort(key=lambda label: _place(label.unit))
    automatic = choose_automatic_labels(campaign=campaign)
    layers = list(dict.fromkeys(label.unit.layer for label in labels))
    vocabulary = gather_vocabulary(campaign=campaign)
    values = _find_values(automatic.values())
    descriptions = _find_descriptions(campaign)
    units = [
        {
            **_describe_measured(label.unit, automatic.get(label.unit_id), values.get(label.unit_id, {})),
            **_describe_label(label, by_unit.get(label.unit_id, [])),
            **_describe_relation(label, automatic.get(label.unit_id), vocabulary),
            "clip_description": descriptions.get(label.unit_id),
        }
        for label in labels
    ]
    matcher = make_matcher(vocabulary)
    return {
        "campaign": campaign.name,
        "answers_by": describe_people(campaign, answers),
        "layers": [_describe_layer(layer, labels, by_unit, automatic.values()) for layer in layers],
        "units": units,
        "agreement": summarize(units, is_same=matcher, words=vocabulary.lexicon.description),
        "description_agreement": summarize_descriptions(units, is_same=matcher),
        "consensus": describe_consensus(answers=answers, labels=labels),
        "workers": describe_workers(answers=answers, labels=labels),
    }


def describe_dissection(*, dissection: Dissection) -> Document:
    """The automatic labels alone, in the same shape: the fields of people's labels are None."""
    best = dissection.automatic_labels.filter(is_best())
    automatic = {label.unit_id: label for label in best}
    units = list(Unit.objects.filter(dissections__dissection=dissection).select_related("layer").distinct())
    units.sort(key=_place)
    values = dict(dissection.dissected_units.values_list("unit_id", "values"))
    return {
        "campaign": None,
        "dissection": str(dissection.id),
        "layers": [
            _describe_layer(layer, [], {}, automatic.values()) for layer in dict.fromkeys(u.layer for u in units)
        ],
        "units": [_describe_measured(unit, automatic.get(unit.id), values.get(unit.id, {})) for unit in units],
    }


def describe_people(campaign: Campaign, answers: Sequence[CountedAnswer]) -> str:
    """Who answered, as text for each report."""
    simulated = sum(answer.is_simulated for answer in answers)
    by = "people" if not simulated else "simulated people" if simulated == len(answers) else SOME_SIMULATED
    # A published file, not a bundle: a bundle's answers are told as they were where they were given.
    from_file = Assignment.objects.filter(hit__campaign=campaign, imported_position__isnull=False)
    return f"{by}, as imported" if from_file.exists() else by


def _place(unit: Unit) -> tuple[int, int, str, int]:
    return (unit.layer.network_id, unit.layer.position, unit.layer.path, unit.index)


def _describe_relation(label: UnitLabel, automatic: AutomaticLabel | None, vocabulary: Vocabulary) -> Document:
    """Found again with the report's own lexicon, so that one report never mixes two; None if nobody has compared."""
    if automatic is None or not hasattr(label, "comparison"):
        return {"relation": None, "rule": None}
    found = find_relation(concept=label.concept, label=automatic.label, vocabulary=vocabulary)
    return {"relation": str(found.relation), "rule": found.rule}


def _describe_label(label: UnitLabel, answers: Sequence[CountedAnswer]) -> Document:
    return {
        "concept": label.concept or None,
        "category": label.category or None,
        "precision": label.precision,
        "precision_low": label.precision_low,
        "precision_high": label.precision_high,
        "answers": [
            {
                "description": a.description,
                "category": a.category or None,
                "precision": a.precision,
                "is_simulated": a.is_simulated,
            }
            for a in answers
        ],
        "is_simulated": bool(label.n_simulated),
    }


def _find_values(automatic: Iterable[AutomaticLabel]) -> dict[int, dict[str, Any]]:
    """By unit, what measures without columns of their own found in the dissection that labeled it."""
    sources = {(label.dissection_id, label.unit_id) for label in automatic if label.dissection_id is not None}
    rows = DissectedUnit.objects.filter(
        dissection__in={source for source, _ in sources}, unit__in={u for _, u in sources}
    )
    rows = rows.exclude(values={}) if sources else rows.none()
    return {row.unit_id: row.values for row in rows if (row.dissection_id, row.unit_id) in sources}


def _find_descriptions(campaign: Campaign) -> dict[int, Document]:
    """By unit, its name by CLIP-Dissect; the last file that was imported counts."""
    rows = ImportedDescription.objects.filter(unit__unit_labels__campaign=campaign).order_by("id")
    return {row.unit_id: {"name": row.name, "similarity": row.similarity} for row in rows}


def _describe_measured(unit: Unit, automatic: AutomaticLabel | None, values: dict[str, Any]) -> Document:
    return {
        "layer": unit.layer.path,
        "index": unit.index,
        **dict.fromkeys(("concept", "category", "precision", "precision_low", "precision_high")),
        "answers": [],
        "is_simulated": None,
        "broden_label": automatic.label if automatic else None,
        "broden_category": automatic.category if automatic else None,
        "iou": automatic.iou if automatic else None,
        "relation": None,
        "values": values,
    }


def _describe_layer(
    layer: Layer,
    labels: Sequence[UnitLabel],
    by_unit: dict[int, list[CountedAnswer]],
    automatic: Iterable[AutomaticLabel],
) -> Document:
    mine = [label for label in labels if label.unit.layer_id == layer.id]
    said = [answer.category for label in mine for answer in by_unit.get(label.unit_id, [])]
    return {
        "path": layer.path,
        "n_units": len(mine) or layer.n_units,
        "mean_precision": fmean(label.precision for label in mine) if mine else None,
        "n_interpretable": count_interpretable([label.precision for label in mine]) if mine else None,
        "category_shares": share_categories(said) if mine else None,
        "unit_category_shares": share_categories(label.category for label in mine) if mine else None,
        **count_detectors(layer=layer, sources={label.source for label in automatic}),
    }


def count_detectors(*, layer: Layer, sources: set[str]) -> Document:
    """Over all units of the layer that these sources labeled (docs/measures.md, Detectors); None if none did.

    Unique detectors: for each category, the distinct best labels of that category over the bound.
    """
    modes = [AutomaticLabel.Mode.PAPER, AutomaticLabel.Mode.IMPORTED]
    rows = AutomaticLabel.objects.filter(unit__layer=layer, source__in=sources, mode__in=modes)
    if not rows.exists():
        return {"n_detectors": None, "unique_detectors": None}
    over = list(rows.filter(iou__gt=DETECTOR_ABOVE).values_list("category", "label", "is_best"))
    names: dict[str, set[str]] = {category: set() for category in BRODEN_CATEGORIES}
    for category, label, _ in over:
        names.setdefault(category, set()).add(label)
    return {
        "n_detectors": sum(is_best for _, _, is_best in over),
        "unique_detectors": {category: len(found) for category, found in names.items()},
    }
