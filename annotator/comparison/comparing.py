"""Sets each labeled unit of a campaign beside its automatic label and writes down the relation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from annotator.comparison.models import UnitComparison
from annotator.comparison.relations import SAME_THING, find_relation
from annotator.crowd.models import Campaign, HITUnit
from annotator.labels.concepts import Vocabulary
from annotator.labels.labeling import check_lexicon, gather_vocabulary
from annotator.labels.models import UnitLabel
from annotator.refusals import Refusal
from annotator.units.best_labels import find_named_mode
from annotator.units.models import AutomaticLabel


class NothingToCompare(Refusal):
    """The campaign's units have no labels by people, or none by labeled pixels."""


class LabelsChanged(Refusal):
    """Somebody deleted or replaced labels while they were compared; nothing was written."""


@dataclass(frozen=True)
class Compared:
    """The result of one comparison. `words` names the lexicon that was used."""

    n_units: int
    n_equal_or_synonym: int
    words: str


def compare_campaign(*, campaign: Campaign) -> Compared:
    """Compares every unit that has both labels; done again, it replaces.

    Raises NothingToCompare, OtherLexicon, LabelsChanged.
    """
    labels = list(campaign.unit_labels.select_related("unit__layer"))
    if not labels:
        raise NothingToCompare(f"Campaign {campaign.name} has no labeled units yet: run `label {campaign.name}` first.")
    check_lexicon(campaign=campaign)
    automatic = choose_automatic_labels(campaign=campaign)
    pairs = [(label, automatic[label.unit_id]) for label in labels if label.unit_id in automatic]
    if not pairs:
        raise NothingToCompare(
            f"No unit of campaign {campaign.name} has an automatic label: dissect an image set with labels, "
            f"or import them with `import_iou {campaign.name}`."
        )
    vocabulary = gather_vocabulary(campaign=campaign)
    comparisons = [_compare(label, broden, vocabulary) for label, broden in pairs]
    pooled = _find_pooled(labels)
    with _unchanged():
        UnitComparison.objects.filter(Q(unit_label__campaign=campaign) | Q(unit_label__in=pooled)).delete()
        of_record = [_compare(one, automatic[one.unit_id], vocabulary) for one in pooled if one.unit_id in automatic]
        UnitComparison.objects.bulk_create([*comparisons, *of_record], batch_size=500)
    n_same = sum(comparison.relation in SAME_THING for comparison in comparisons)
    return Compared(n_units=len(pairs), n_equal_or_synonym=n_same, words=vocabulary.lexicon.description)


def compare_labels(*, campaign: Campaign, labels: Sequence[UnitLabel]) -> None:
    """Compares these labels again, after a reviewer changed them; those without an automatic label pass.

    Labels of record that are pooled from theirs are compared, too. Raises LabelsChanged.
    """
    labels = [*labels, *_find_pooled(labels)]
    automatic = choose_automatic_labels(campaign=campaign, units=[label.unit_id for label in labels])
    pairs = [(label, automatic[label.unit_id]) for label in labels if label.unit_id in automatic]
    if not pairs:
        return
    vocabulary = gather_vocabulary(campaign=campaign)
    with _unchanged():
        UnitComparison.objects.filter(unit_label__in=labels).delete()
        UnitComparison.objects.bulk_create([_compare(label, broden, vocabulary) for label, broden in pairs])


@contextmanager
def _unchanged() -> Iterator[None]:
    """A transaction. Raises LabelsChanged if labels that it refers to were deleted since they were read."""
    try:
        with transaction.atomic():
            yield
            connection.check_constraints()  # the database would check at commit, when nobody hears it
    except IntegrityError as error:
        raise LabelsChanged(
            "Labels were replaced or deleted meanwhile, so nothing was compared. Do it again."
        ) from error


def _find_pooled(labels: Sequence[UnitLabel]) -> list[UnitLabel]:
    """The pooled labels of record of the same crops."""
    crops = {(label.unit_id, label.source) for label in labels}
    pooled = UnitLabel.objects.filter(campaign=None, unit__in={unit for unit, _ in crops})
    return [label for label in pooled if (label.unit_id, label.source) in crops]


def make_matcher(vocabulary: Vocabulary) -> Callable[[str, str], bool]:
    """A function that is true if a concept and a Broden label are equal or synonyms."""
    return lambda concept, label: find_relation(concept=concept, label=label, vocabulary=vocabulary).is_same_thing


def choose_automatic_labels(*, campaign: Campaign, units: Sequence[int] | None = None) -> dict[int, AutomaticLabel]:
    """Unit id -> its best label: of the dissection its crops came from, else the last one imported.

    Of the dissection's modes of IoU, the one that find_named_mode takes. Of all the campaign's units unless their
    ids are given.
    """
    by_mode = choose_labels_by_mode(campaign=campaign, units=units)
    return {unit: find_named_mode(labels) for unit, labels in by_mode.items()}


def choose_labels_by_mode(
    *, campaign: Campaign, units: Sequence[int] | None = None
) -> dict[int, dict[str, AutomaticLabel]]:
    """Unit id -> mode of IoU -> its best label, of the source that choose_automatic_labels chooses."""
    asked = HITUnit.objects.filter(hit__campaign=campaign, **({} if units is None else {"unit__in": units}))
    best = AutomaticLabel.objects.filter(is_best=True, unit__in=asked.values("unit"))
    imported = best.filter(dissection=None).order_by("id")
    chosen = {label.unit_id: {label.mode: label} for label in imported}
    dissected = dict(asked.values_list("unit_id", "dissected_unit__dissection_id"))
    measured: dict[int, dict[str, AutomaticLabel]] = {}
    for label in best.filter(dissection__in=set(dissected.values())):
        if dissected[label.unit_id] == label.dissection_id:
            measured.setdefault(label.unit_id, {})[label.mode] = label
    return chosen | measured


def _compare(label: UnitLabel, broden: AutomaticLabel, vocabulary: Vocabulary) -> UnitComparison:
    finding = find_relation(concept=label.concept, label=broden.label, vocabulary=vocabulary)
    return UnitComparison(
        unit_label=label,
        automatic_label=broden,
        relation=finding.relation,
        rule=finding.rule[:300],
        lexicon_sha256=vocabulary.lexicon.sha256,
    )
