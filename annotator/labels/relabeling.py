"""Applies a reviewer's new decision to the labels that it changes, and to no others.

A label keeps what its concepts were when it was made, and revisions apply in their order: so one more on top gives
what labeling the whole campaign again would give, without reading its answers again. The people who name the concept
vote on the category again. Precision rests on answers alone and stays.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db.models import Q, QuerySet

from annotator.labels.concepts import Concept, Step
from annotator.labels.grouping import NamedAnswer, group_answers
from annotator.labels.labeling import check_lexicon, find_acceptance, open_lexicon, read_revision, vote_category
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.revisions import Revision, rename, revise_concept
from annotator.refusals import Refusal

Kind = ConceptRevision.Kind
FIELDS = ["concept", "category", "n_same_concept", "n_same_category", "reasons", "accepted_at", "labeled_at"]


class BadRevision(Refusal):
    """Nothing that could be revised so; the message says why."""


def relabel(revision: ConceptRevision) -> list[UnitLabel]:
    """The labels that the newest revision reaches, renamed and stored. Raises BadRevision, OtherLexicon."""
    check_lexicon(campaign=revision.campaign)
    labels = list(_find_reached(revision))
    accepted = revision.campaign.concept_revisions.filter(kind=Kind.ACCEPT, unit__in=[one.unit_id for one in labels])
    kept = list(accepted)
    for label in labels:
        _rename(label, read_revision(revision))
        label.accepted_at = find_acceptance(label, kept)
        label.labeled_at = revision.revised_at
    UnitLabel.objects.bulk_update(labels, FIELDS, batch_size=500)
    return labels


def _find_reached(revision: ConceptRevision) -> QuerySet[UnitLabel]:
    labels = UnitLabel.objects.select_related("unit__layer").filter(campaign=revision.campaign).order_by("pk")
    if revision.unit_id is not None:
        return labels.filter(unit=revision.unit_id)
    named = Q()
    for word in revision.words:
        named |= Q(reasons__contains={"answers": [{"form": word}]})
    return labels.filter(named)


def _rename(label: UnitLabel, revision: Revision) -> None:
    """Applies the last revision as `labeling` applies all of them."""
    answers = _read_answers(label)
    named = [
        NamedAnswer(
            concept=revise_concept(_read_concept(answer), unit_id=label.unit_id, revisions=[revision]),
            weight=answer["weight"],
            precision=answer["precision"],
        )
        for answer in answers
    ]
    groups = group_answers(named, lexicon=open_lexicon())
    name, renamed = rename(groups[0].name if groups else "", unit_id=label.unit_id, revisions=[revision])
    if renamed is None and label.reasons["renamed_by"]:
        name = label.concept
    label.concept = name
    label.n_same_concept = len(groups[0].members) if groups else 0
    if all("category" in answer for answer in answers):  # not in labels of before
        categories = [answer["category"] for answer in answers]
        label.category = vote_category(categories, named, groups)
        label.n_same_category = categories.count(label.category)
    concepts = [asdict(one.concept) for one in named]
    label.reasons = {
        "answers": [answer | {name: concept[name] for name in ("form", "head", "core", "steps")}
                    for answer, concept in zip(answers, concepts, strict=True)],
        "groups": [asdict(group) for group in groups],
        "renamed_by": renamed.reviewer if renamed else label.reasons["renamed_by"],
    }  # fmt: skip


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
