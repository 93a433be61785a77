"""Keeps a reviewer's judgement on concepts and renames the labels that it reaches."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from annotator.crowd.models import Campaign
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.recording import keep_record
from annotator.labels.relabeling import BadRevision, relabel
from annotator.units.models import Unit

Kind = ConceptRevision.Kind


def merge_concepts(
    *, campaign: Campaign, concepts: Sequence[str], into: str, reviewer: str, now: datetime
) -> list[UnitLabel]:
    """From now on these forms count as `into`, in every unit of the campaign; the labels that this reached."""
    revision = ConceptRevision(campaign=campaign, kind=Kind.MERGE, words=_clean(concepts), into=into)
    return _revise(revision, reviewer, now)


def split_answers(
    *, campaign: Campaign, unit: Unit, concepts: Sequence[str], into: str, reviewer: str, now: datetime
) -> list[UnitLabel]:
    """The unit's answers of these forms leave their group and are called `into`."""
    revision = ConceptRevision(campaign=campaign, unit=unit, kind=Kind.SPLIT, words=_clean(concepts), into=into)
    return _revise(revision, reviewer, now)


def rename_unit(*, campaign: Campaign, unit: Unit, concept: str, reviewer: str, now: datetime) -> list[UnitLabel]:
    """The unit's concept is called so, whatever its answers say."""
    words = _words_of(campaign, unit)
    revision = ConceptRevision(campaign=campaign, unit=unit, kind=Kind.RENAME, words=words, into=concept)
    return _revise(revision, reviewer, now)


def accept_label(*, campaign: Campaign, unit: Unit, reviewer: str, now: datetime) -> list[UnitLabel]:
    """Accepts the unit's concept. If a later labeling finds another one, the unit needs review again."""
    words = _words_of(campaign, unit)
    revision = ConceptRevision(campaign=campaign, unit=unit, kind=Kind.ACCEPT, words=words, into=words[0])
    return _revise(revision, reviewer, now)


def _words_of(campaign: Campaign, unit: Unit) -> list[str]:
    label = campaign.unit_labels.filter(unit=unit).first()
    if label is None:
        raise BadRevision(f"{unit} has no label in campaign {campaign.name}.")
    return [label.concept]


def _clean(words: Sequence[str]) -> list[str]:
    cleaned = sorted({" ".join(word.lower().split()) for word in words} - {""})
    if not cleaned:
        raise BadRevision("Name at least one concept.")
    return cleaned


@transaction.atomic
def _revise(revision: ConceptRevision, reviewer: str, now: datetime) -> list[UnitLabel]:
    revision.into = " ".join(revision.into.lower().split())
    if not revision.into and revision.kind != Kind.ACCEPT:
        raise BadRevision("A concept needs a name.")
    if len(revision.into) > 200:
        raise BadRevision("A concept's name has at most 200 characters.")
    revision.reviewer, revision.revised_at = reviewer, now
    revision.save()
    labels = relabel(revision)
    keep_record(units=[label.unit_id for label in labels], now=now)
    return labels
