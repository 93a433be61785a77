"""The report of a campaign or a dissection: one document of plain values, in the shape that others rely on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from annotator.comparison.categories import BRODEN_CATEGORIES
from annotator.comparison.comparing import choose_labels_by_mode, make_matcher
from annotator.comparison.layer_figures import (
    NOBODY_ASKED,
    AskedUnit,
    count_silent,
    describe_choice,
    describe_layer_people,
    find_asked,
)
from annotator.comparison.models import ImportedDescription
from annotator.comparison.relations import find_relation
from annotator.comparison.summary import Document, summarize, summarize_descriptions
from annotator.crowd.judging.excluding import list_set_aside
from annotator.crowd.models import Assignment, Campaign
from annotator.labels.concepts import Vocabulary
from annotator.labels.consensus import describe_consensus, describe_workers
from annotator.labels.counted_answers import CountedAnswer, gather_answers, split_by_unit
from annotator.labels.labeling import check_lexicon, gather_vocabulary
from annotator.labels.models import UnitLabel
from annotator.units.best_labels import MODES_BY_RANK, find_named_mode
from annotator.units.layer_facts import find_anchoring
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
    modes = choose_labels_by_mode(campaign=campaign)
    automatic = {unit: find_named_mode(labels) for unit, labels in modes.items()}
    asked = find_asked(campaign)
    vocabulary = gather_vocabulary(campaign=campaign)
    values = _find_values(automatic.values())
    descriptions = _find_descriptions(campaign)
    units = [
        {
            **_describe_measured(label.unit, modes.get(label.unit_id, {}), values.get(label.unit_id, {})),
            **_describe_label(label, by_unit.get(label.unit_id, [])),
            **_describe_relation(label, automatic.get(label.unit_id), vocabulary),
            **describe_choice(asked.get(label.unit_id)),
            "clip_description": descriptions.get(label.unit_id),
        }
        for label in labels
    ]
    matcher = make_matcher(vocabulary)
    return {
        "campaign": campaign.name,
        "networks": describe_networks(label.unit.layer for label in labels),
        "answers_by": describe_people(campaign, answers),
        "layers": _describe_layers(labels, by_unit, asked, automatic),
        "units": units,
        "agreement": summarize(units, is_same=matcher, words=vocabulary.lexicon.description),
        "description_agreement": summarize_descriptions(units, is_same=matcher),
        "consensus": describe_consensus(answers=answers, labels=labels),
        "workers": describe_workers(answers=answers, labels=labels),
        "set_aside": describe_set_aside(campaign),
    }


def describe_networks(layers: Iterable[Layer]) -> list[Document]:
    """Which networks the layers belong to, in order of registration, and with which weights.

    Files of answers and labels alone say nothing of weights: their networks are left out.
    """
    networks = {layer.network_id: layer.network for layer in layers if layer.network.weights_from}
    return [networks[pk].describe() for pk in sorted(networks)]


def describe_set_aside(campaign: Campaign) -> Document:
    """Whose answers are not counted and why. `keeps_suspected`: the rule's suspicions were shown and counted."""
    rows = list_set_aside(campaign)
    counts = Counter((row.worker, row.decided_by, row.reason, row.is_counted) for row in rows)
    return {
        "n_answers": sum(not row.is_counted for row in rows),
        "n_suspected_and_counted": sum(row.is_counted for row in rows),
        "keeps_suspected": campaign.keeps_suspected,
        "by": [
            {"worker": worker, "decided_by": decided_by, "reason": reason, "is_counted": is_counted, "n_answers": n}
            for (worker, decided_by, reason, is_counted), n in counts.items()
        ],
    }


def describe_dissection(*, dissection: Dissection) -> Document:
    """The automatic labels alone, in the same shape: the fields of people's labels are None."""
    modes: dict[int, dict[str, AutomaticLabel]] = {}
    for label in dissection.automatic_labels.filter(is_best=True):
        modes.setdefault(label.unit_id, {})[label.mode] = label
    automatic = {unit: find_named_mode(labels) for unit, labels in modes.items()}
    units = list(Unit.objects.filter(dissections__dissection=dissection).select_related("layer").distinct())
    units.sort(key=_place)
    measured = {row.unit_id: row for row in dissection.dissected_units.all()}
    return {
        "campaign": None,
        "dissection": str(dissection.id),
        "networks": [dissection.network.describe()],
        "layers": [
            {
                **_describe_layer(
                    layer,
                    n_units=layer.n_units,
                    people={**NOBODY_ASKED, **count_silent(layer=layer, dissection_id=dissection.id)},
                    automatic=automatic.values(),
                ),
                "anchoring": find_anchoring(dissection, layer.path),
            }
            for layer in dict.fromkeys(unit.layer for unit in units)
        ],
        "units": [
            {
                **_describe_measured(unit, modes.get(unit.id, {}), measured[unit.id].values),
                "silence": measured[unit.id].silence or None,
            }
            for unit in units
        ],
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
        "n_same_concept": label.n_same_concept,
        "n_same_category": label.n_same_category,
        "is_by_older_rules": label.is_by_older_rules,
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


def _describe_measured(unit: Unit, modes: dict[str, AutomaticLabel], values: dict[str, Any]) -> Document:
    automatic = find_named_mode(modes) if modes else None
    return {
        "layer": unit.layer.path,
        "index": unit.index,
        "importance": unit.importance,
        **dict.fromkeys(("concept", "category", "precision", "precision_low", "precision_high")),
        "answers": [],
        "is_simulated": None,
        "broden_label": automatic.label if automatic else None,
        "broden_category": automatic.category if automatic else None,
        "iou": automatic.iou if automatic else None,
        "iou_low": automatic.iou_low if automatic else None,
        "iou_high": automatic.iou_high if automatic else None,
        "iou_mode": automatic.mode if automatic else None,
        "modes": {mode: _describe_automatic(label) for mode, label in sorted(modes.items())},
        "relation": None,
        **describe_choice(None),
        "values": values,
    }


def _describe_automatic(label: AutomaticLabel) -> Document:
    columns = ("label", "category", "iou", "iou_low", "iou_high")
    return {column: getattr(label, column) for column in columns}


def _describe_layer(layer: Layer, *, n_units: int, people: Document, automatic: Iterable[AutomaticLabel]) -> Document:
    """`n_units` of the report; `n_layer_units` of the layer."""
    return {
        "path": layer.path,
        "n_units": n_units,
        "n_layer_units": layer.n_units,
        **people,
        **count_detectors(layer=layer, sources={label.source for label in automatic}),
    }


def _describe_layers(
    labels: Sequence[UnitLabel],
    by_unit: dict[int, list[CountedAnswer]],
    asked: dict[int, AskedUnit],
    automatic: dict[int, AutomaticLabel],
) -> list[Document]:
    """Only the sources that labeled a layer's own units count in it: another dissection may have measured it too."""
    by_layer: dict[Layer, list[UnitLabel]] = {}
    for label in labels:
        by_layer.setdefault(label.unit.layer, []).append(label)
    return [
        _describe_layer(
            layer,
            n_units=len(mine),
            people=describe_layer_people(layer, mine, by_unit, asked),
            automatic=[automatic[label.unit_id] for label in mine if label.unit_id in automatic],
        )
        for layer, mine in by_layer.items()
    ]


def count_detectors(*, layer: Layer, sources: set[str]) -> Document:
    """Over all units of the layer that these sources labeled (docs/measures.md, Detectors); None if none did.

    Of the mode that is meant where none is named, and `detectors` of each mode.
    """
    rows = AutomaticLabel.objects.filter(unit__layer=layer, source__in=sources)
    modes = sorted(rows.order_by().values_list("mode", flat=True).distinct(), key=MODES_BY_RANK.index)
    measured = Dissection.objects.filter(automatic_labels__in=rows).distinct()
    told = measured[0].detectors.get(layer.path, {}) if len(measured) == 1 else {}
    counted = {mode: _count_detectors(rows.filter(mode=mode)) | _find_chance(told.get(mode, {})) for mode in modes}
    named = counted[modes[0]] if modes else {"n_detectors": None, "unique_detectors": None}
    return {
        **{name: named[name] for name in ("n_detectors", "unique_detectors")},
        "iou_mode": modes[0] if modes else None,
        "detectors": counted,
    }


def _find_chance(counts: Document) -> Document:
    """What the dissection tells of a layer's counts beside them; None of labels that were imported."""
    intervals = {name: counts.get(name) for name in ("n_detectors_interval", "n_unique_interval")}
    return {**intervals, **{name: counts.get(name) for name in ("random_weights", "shuffled_labels")}}


def _count_detectors(rows: QuerySet[AutomaticLabel]) -> Document:
    """Unique detectors: for each category, the distinct best labels of that category over the bound."""
    over = list(rows.filter(iou__gt=DETECTOR_ABOVE).values_list("category", "label", "is_best"))
    names: dict[str, set[str]] = {category: set() for category in BRODEN_CATEGORIES}
    for category, label, _ in over:
        names.setdefault(category, set()).add(label)
    return {
        "n_detectors": sum(is_best for _, _, is_best in over),
        "n_unique": sum(len(found) for found in names.values()),
        "unique_detectors": {category: len(found) for category, found in names.items()},
    }
