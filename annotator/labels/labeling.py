"""Gives each unit of a campaign its label by people: concept, category and precision (docs/measures.md, Unit label)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from annotator.crowd.judging.excluding import Suspected, list_set_aside, set_aside_suspected
from annotator.crowd.judging.indifference import WordComparison
from annotator.crowd.judging.suspicions import MISSED_OF_ONE_ANSWER
from annotator.crowd.models import Campaign, HITUnit
from annotator.labels.aggregation import vote
from annotator.labels.answer_counts import AnswerCounts
from annotator.labels.concepts import Vocabulary, build_vocabulary, normalize_description
from annotator.labels.counted_answers import CountedAnswer, count_descriptions, gather_answers, split_by_unit
from annotator.labels.grouping import Group, NamedAnswer, find_kind, find_sameness, group_answers
from annotator.labels.lexicon import Lexicon, find_wordnet, load_lexicon
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.precision import UnitPrecisions, count_interpretable, measure_precision
from annotator.labels.revisions import Revision, rename, revise_concept
from annotator.labels.weighing import CATEGORY_ORDER, estimate_crop_fits, weigh_answers
from annotator.refusals import Refusal
from annotator.units.models import AutomaticLabel, Dissection, Unit


class NothingToLabel(Refusal):
    """The campaign has no answer that counts."""


class OtherLexicon(Refusal):
    """The campaign's labels were made with another lexicon than the one here."""


@dataclass(frozen=True)
class Labeled:
    """The result of one labeling."""

    n_units: int
    n_answers: int
    n_interpretable: int
    words: str
    suspected: Suspected


def store_labels(*, campaign: Campaign, now: datetime, keeps_suspected: bool | None) -> Labeled:
    """Labels every unit that has answers that count; done again, it replaces. Raises NothingToLabel.

    Called by `recording.label_campaign`, which also keeps the labels of record. Before, suspected answers are set
    aside. `keeps_suspected`: they count all the same; None: as the last time.
    """
    keeps = campaign.keeps_suspected if keeps_suspected is None else keeps_suspected
    suspected = set_aside_suspected(campaign=campaign, keeps=keeps, words=compare_words(campaign))
    answers = gather_answers(campaign=campaign)
    if not answers and list_set_aside(campaign):
        raise NothingToLabel(
            f"Every answer of campaign {campaign.name} is set aside. Look at them on its page of answers, "
            f"or label with them: `label {campaign.name} --keep-suspected`."
        )
    if not answers:
        raise NothingToLabel(f"Campaign {campaign.name} has no answers yet.")
    vocabulary = gather_vocabulary(campaign=campaign)
    labels = make_labels(answers, campaigns=[campaign], vocabulary=vocabulary, now=now)
    sources = find_sources(campaign)
    for label in labels:
        label.campaign, label.source = campaign, sources.get(label.unit_id, "")
    _store(campaign, labels)
    return Labeled(
        n_units=len(labels),
        n_answers=len(answers),
        n_interpretable=count_interpretable([label.precision for label in labels]),
        words=vocabulary.lexicon.description,
        suspected=suspected,
    )


def make_labels(
    answers: Sequence[CountedAnswer], *, campaigns: Sequence[Campaign], vocabulary: Vocabulary, now: datetime
) -> list[UnitLabel]:
    """A label for each unit of these answers, not yet stored; the campaigns' revisions apply in the order of time."""
    by_unit = split_by_unit(answers)
    precisions = measure_precision(count_crops(by_unit), layer=number_layers(campaigns, list(by_unit)))
    weights = iter(weigh_answers(answers))
    crop_fits = estimate_crop_fits(answers)
    in_force = ConceptRevision.objects.filter(campaign__in=campaigns, undone_at=None)
    kept = list(in_force.order_by("revised_at", "id"))
    revisions = [read_revision(row) for row in kept]
    labels = []
    for i, (unit_id, given) in enumerate(by_unit.items()):
        reaching = [r for r in revisions if r.unit_id in (None, unit_id)]
        label = _label_unit(given, [next(weights) for _ in given], vocabulary, reaching)
        _set_precision(label, fmean(answer.precision for answer in given), precisions, i)
        label.unit_id, label.labeled_at = unit_id, now
        label.crop_probabilities = crop_fits.get(unit_id)
        label.accepted_at = find_acceptance(label, kept)
        label.lexicon_sha256 = vocabulary.lexicon.sha256
        labels.append(label)
    return labels


def find_sources(campaign: Campaign) -> dict[int, str]:
    """Unit id -> the dissection whose crops the campaign shows; units of imported answers are absent."""
    shown = HITUnit.objects.filter(hit__campaign=campaign, dissected_unit__isnull=False)
    return {unit: str(dissection) for unit, dissection in shown.values_list("unit", "dissected_unit__dissection")}


def open_lexicon() -> Lexicon:
    """Our own table of words, with WordNet if the machine has it."""
    return load_lexicon(wordnet_folder=find_own_wordnet())


def find_own_wordnet() -> Path | None:
    """The folder of WordNet's tables that labels are made with here."""
    named = str(getattr(settings, "WORDNET_FOLDER", "") or "")
    return find_wordnet(named=named, root=settings.BASE_DIR)


def check_lexicon(*, campaign: Campaign) -> None:
    """Raises OtherLexicon: what is computed now must not be set beside labels that another lexicon made."""
    here = open_lexicon()
    made_with = campaign.unit_labels.exclude(lexicon_sha256__in=["", here.sha256])
    other = made_with.order_by().values_list("lexicon_sha256", flat=True).first()
    if other is not None:
        raise OtherLexicon(
            f"Campaign {campaign.name} was labeled with another lexicon ({other[:12]}) than the one here "
            f"({here.sha256[:12]}: {here.description}): run `label {campaign.name}`, then `compare {campaign.name}`."
        )


def gather_vocabulary(*, campaign: Campaign, others: Sequence[Campaign] = ()) -> Vocabulary:
    """The campaigns' own words, the labels of their image sets and units, and the lexicon."""
    campaigns = [campaign, *others]
    dissections = Dissection.objects.filter(dissected_units__hit_units__hit__campaign__in=campaigns).distinct()
    listed = {str(row["name"]) for dissection in dissections for row in dissection.labels}
    given = (
        AutomaticLabel.objects.filter(unit__hit_units__hit__campaign__in=campaigns)
        .values_list("label", flat=True)
        .distinct()
    )
    said = Counter[str]()
    for one in campaigns:
        said.update(count_descriptions(campaign=one))
    return build_vocabulary(descriptions=said, labels=listed | set(given), lexicon=open_lexicon())


def compare_words(campaign: Campaign) -> WordComparison:
    """By what the campaign's words name."""
    return compare_names(gather_vocabulary(campaign=campaign))


def compare_names(vocabulary: Vocabulary) -> WordComparison:
    """Two descriptions are the same if they name the same thing, or one a kind of the other."""
    lexicon = vocabulary.lexicon

    @cache
    def are_same(first: str, second: str) -> bool:
        one, other = (normalize_description(name, vocabulary=vocabulary) for name in (first, second))
        is_kind = find_kind(one, other, lexicon=lexicon) or find_kind(other, one, lexicon=lexicon)
        return bool(is_kind or find_sameness(one, other, lexicon=lexicon))

    return WordComparison(
        name=lambda description: normalize_description(description, vocabulary=vocabulary).thing, are_same=are_same
    )


def count_crops(by_unit: dict[int, list[CountedAnswer]]) -> AnswerCounts:
    rows = [(i, answer) for i, given in enumerate(by_unit.values()) for answer in given]
    return AnswerCounts(
        unit=np.array([i for i, _ in rows]),
        n_fitting=np.array([answer.n_fitting for _, answer in rows]),
        n_shown=np.array([answer.n_shown for _, answer in rows]),
    )


def number_layers(campaigns: Sequence[Campaign], units: Sequence[int]) -> NDArray[np.int64]:
    """For each of these units of the campaigns, its layer numbered from 0."""
    layers = dict(Unit.objects.filter(hit_units__hit__campaign__in=campaigns).values_list("pk", "layer_id"))
    _, numbers = np.unique([layers[unit] for unit in units], return_inverse=True)
    return np.asarray(numbers, dtype=np.int64)


def read_revision(row: ConceptRevision) -> Revision:
    return Revision(kind=row.kind, unit_id=row.unit_id, words=tuple(row.words), into=row.into, reviewer=row.reviewer)


def find_acceptance(label: UnitLabel, kept: Sequence[ConceptRevision]) -> datetime | None:
    accepted = ConceptRevision.Kind.ACCEPT
    mine = [row for row in kept if row.kind == accepted and row.unit_id == label.unit_id and row.into == label.concept]
    return mine[-1].revised_at if mine else None


def _label_unit(
    given: Sequence[CountedAnswer], weights: Sequence[float], vocabulary: Vocabulary, revisions: Sequence[Revision]
) -> UnitLabel:
    unit_id = given[0].unit_id
    said = [normalize_description(answer.description, vocabulary=vocabulary) for answer in given]
    concepts = [revise_concept(concept, unit_id=unit_id, revisions=revisions) for concept in said]
    named = [
        NamedAnswer(c, weight, answer.precision) for c, weight, answer in zip(concepts, weights, given, strict=True)
    ]
    groups = group_answers(named, lexicon=vocabulary.lexicon)
    category = vote_category([answer.category for answer in given], named, groups)
    name, renamed_by = rename(groups[0].name if groups else "", unit_id=unit_id, revisions=revisions)
    return UnitLabel(
        concept=name,
        category=category,
        n_answers=len(given),
        n_same_concept=len(groups[0].members) if groups else 0,
        n_same_category=sum(answer.category == category for answer in given),
        n_simulated=sum(answer.is_simulated for answer in given),
        n_inattentive=sum(answer.n_planted_missed >= MISSED_OF_ONE_ANSWER for answer in given),
        reasons={**_explain(given, named, groups), "renamed_by": renamed_by},
    )


def vote_category(categories: Sequence[str], named: Sequence[NamedAnswer], groups: Sequence[Group]) -> str:
    """By the people whose answers make the concept, so that both are about one thing; by all if nobody named one.

    "" if nobody chose a category.
    """
    by_all = range(len(categories))
    for voters in (groups[0].members if groups else by_all, by_all):
        voting = [(categories[i], named[i]) for i in voters if categories[i]]
        if voting:
            weights, precisions = [n.weight for _, n in voting], [n.precision for _, n in voting]
            return vote([one for one, _ in voting], weights=weights, precisions=precisions, order=CATEGORY_ORDER)
    return ""


def _explain(given: Sequence[CountedAnswer], named: Sequence[NamedAnswer], groups: Sequence[Group]) -> dict[str, Any]:
    """Descriptions, steps, weights and groups as JSON, for a reviewer."""
    return {
        "answers": [
            {
                "description": answer.description,
                "form": n.concept.form,
                "head": n.concept.head,
                "core": n.concept.core,
                "category": answer.category,
                "weight": n.weight,
                "precision": n.precision,
                "steps": [asdict(step) for step in n.concept.steps],
            }
            for answer, n in zip(given, named, strict=True)
        ],
        "groups": [asdict(group) for group in groups],
    }


def _set_precision(label: UnitLabel, mean: float, precisions: UnitPrecisions, i: int) -> None:
    """The mean of the answers as given; an imported share need not be a whole number of crops, the interval's are."""
    rounded = round(mean, 12)  # so that four times .75 is not over .75
    label.precision = rounded
    label.precision_low = min(float(precisions.low[i]), rounded)
    label.precision_high = max(float(precisions.high[i]), rounded)


def _store(campaign: Campaign, labels: Sequence[UnitLabel]) -> None:
    fields = [f.name for f in UnitLabel._meta.concrete_fields if f.name not in ("id", "campaign", "unit")]
    with transaction.atomic():
        campaign.unit_labels.exclude(unit_id__in=[label.unit_id for label in labels]).delete()
        UnitLabel.objects.bulk_create(
            labels, update_conflicts=True, unique_fields=["campaign", "unit"], update_fields=fields, batch_size=500
        )
