"""Applies a reviewer's new decision to the labels that it changes, and to no others.

A label keeps what its concepts were when it was made, and revisions apply in their order: so one more on top gives
what labeling the whole campaign again would give, without reading its answers again. The people who name the concept
vote on the category again. Precision rests on answers alone and stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from annotator.crowd.models import Campaign
from annotator.labels.concepts import Concept, Step, Vocabulary, normalize_description
from annotator.labels.grouping import NamedAnswer, group_answers
from annotator.labels.labeling import (
    check_lexicon,
    find_acceptance,
    gather_vocabulary,
    open_lexicon,
    read_revision,
    vote_category,
)
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.revisions import Revision, is_by_reviewer, name_rule, rename, revise_concept
from annotator.refusals import Refusal

Kind = ConceptRevision.Kind
FIELDS = ["concept", "category", "n_same_concept", "n_same_category", "reasons", "accepted_at", "labeled_at"]


class BadRevision(Refusal):
    """Nothing that could be revised so; the message says why."""


def relabel(revision: ConceptRevision) -> list[UnitLabel]:
    """The labels that the newest revision reaches, renamed and stored. Raises BadRevision, OtherLexicon."""
    check_lexicon(campaign=revision.campaign)
    labels = list(_find_reached(revision))
    for label in labels:
        _rename(label, read_revision(revision))
    return _store(revision.campaign, labels, now=revision.revised_at)


def relabel_without(*, campaign: Campaign, undone: Sequence[ConceptRevision], now: datetime) -> list[UnitLabel]:
    """The labels that these revisions reached, named by all that are in force. Raises BadRevision, OtherLexicon."""
    check_lexicon(campaign=campaign)
    in_force = [read_revision(row) for row in campaign.concept_revisions.filter(undone_at=None).order_by("pk")]
    rows, reached = campaign.unit_labels.select_related("unit__layer").order_by("pk"), _was_reached(undone)
    renamed = rows.exclude(reached).exclude(reasons__renamed_by=None)
    labels = [*rows.filter(reached), *(label for label in renamed if _give_name(label, in_force)[0] != label.concept)]
    vocabulary = gather_vocabulary(campaign=campaign)
    for label in labels:
        _name_again(label, in_force, vocabulary)
    return _store(campaign, labels, now=now)


def _store(campaign: Campaign, labels: Sequence[UnitLabel], *, now: datetime) -> list[UnitLabel]:
    units = [label.unit_id for label in labels]
    accepted = list(campaign.concept_revisions.filter(kind=Kind.ACCEPT, unit__in=units, undone_at=None))
    for label in labels:
        label.accepted_at = find_acceptance(label, accepted)
        label.labeled_at = now
    UnitLabel.objects.bulk_update(labels, FIELDS, batch_size=500)
    return list(labels)


def _was_reached(revisions: Sequence[ConceptRevision]) -> Q:
    """A merge has left a step in each answer that it reached, and none where it reached the name that a reviewer gave.

    Other revisions are about one unit.
    """
    found = Q(unit__in=[row.unit_id for row in revisions if row.unit_id is not None])
    for row in revisions:
        if row.kind == Kind.MERGE:
            step = {"rule": name_rule(read_revision(row)), "after": row.into}
            found |= Q(reasons__contains={"answers": [{"steps": [step]}]})
    return found


def _find_reached(revision: ConceptRevision) -> QuerySet[UnitLabel]:
    labels = UnitLabel.objects.select_related("unit__layer").filter(campaign=revision.campaign).order_by("pk")
    if revision.unit_id is not None:
        return labels.filter(unit=revision.unit_id)
    named = Q(concept__in=revision.words) & ~Q(reasons__renamed_by=None)  # a given name is in none of the answers
    for word in revision.words:
        named |= Q(reasons__contains={"answers": [{"form": word}]})
    return labels.filter(named)


def _rename(label: UnitLabel, revision: Revision) -> None:
    """Applies the last revision as `labeling` applies all of them."""
    answers = _read_answers(label)
    said = [_read_concept(answer) for answer in answers]
    concepts = [revise_concept(concept, unit_id=label.unit_id, revisions=[revision]) for concept in said]
    group, renamed_by = _group(label, answers, concepts), label.reasons["renamed_by"]
    if renamed_by is None:
        label.concept = group
    label.concept, label.reasons["renamed_by"] = _give_name(label, [revision])


def _give_name(label: UnitLabel, revisions: Sequence[Revision]) -> tuple[str, str | None]:
    """As `rename`, of the label as it is."""
    renamed_by = label.reasons["renamed_by"]
    return rename(label.concept, unit_id=label.unit_id, revisions=revisions, renamed_by=renamed_by)


def _name_again(label: UnitLabel, in_force: Sequence[Revision], vocabulary: Vocabulary) -> None:
    """Reads those answers again whose concept a reviewer has changed, and applies what is in force."""
    answers = _read_answers(label)
    concepts = [_read_concept(answer) for answer in answers]
    for i, concept in enumerate(concepts):
        if any(is_by_reviewer(step) for step in concept.steps):
            said = normalize_description(answers[i]["description"], vocabulary=vocabulary)
            concepts[i] = revise_concept(said, unit_id=label.unit_id, revisions=in_force)
    group = _group(label, answers, concepts)
    label.concept, label.reasons["renamed_by"] = rename(group, unit_id=label.unit_id, revisions=in_force)


def _group(label: UnitLabel, answers: Sequence[dict[str, Any]], concepts: Sequence[Concept]) -> str:
    """Groups the answers by these concepts and lets their people vote on the category. Returns what people name."""
    named = [
        NamedAnswer(concept=concept, weight=answer["weight"], precision=answer["precision"])
        for answer, concept in zip(answers, concepts, strict=True)
    ]
    groups = group_answers(named, lexicon=open_lexicon())
    label.n_same_concept = len(groups[0].members) if groups else 0
    if all("category" in answer for answer in answers):  # not in labels of before
        categories = [answer["category"] for answer in answers]
        label.category = vote_category(categories, named, groups)
        label.n_same_category = categories.count(label.category)
    told = [{name: asdict(one)[name] for name in ("form", "head", "core", "steps")} for one in concepts]
    label.reasons = {
        "answers": [answer | concept for answer, concept in zip(answers, told, strict=True)],
        "groups": [asdict(group) for group in groups],
        "renamed_by": label.reasons["renamed_by"],
    }
    return groups[0].name if groups else ""


def _read_answers(label: UnitLabel) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = label.reasons.get("answers", [])
    if not answers or any("precision" not in answer for answer in answers):
        raise BadRevision(f"{label.unit} was labeled by an earlier version: label the campaign again first.")
    return answers


def _read_concept(answer: Mapping[str, Any]) -> Concept:
    """A split takes an answer out of its group until another revision takes it up."""
    steps = tuple(Step(**step) for step in answer["steps"])
    is_apart = bool(steps) and steps[-1].rule.startswith("split by ")
    return Concept(
        form=answer["form"], head=answer["head"], steps=steps, is_apart=is_apart, core=answer.get("core", "")
    )
