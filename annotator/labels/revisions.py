"""A reviewer's merges, splits and renames applied to concepts: pure, in the order in which they were made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from annotator.labels.concepts import Concept, Step


@dataclass(frozen=True)
class Revision:
    """`unit_id` None: every unit. `words` are normalized forms."""

    kind: str
    unit_id: int | None
    words: tuple[str, ...]
    into: str
    reviewer: str


def name_rule(revision: Revision) -> str:
    """What the step of a merge or a split is called in an answer's steps."""
    return f"{revision.kind} by {revision.reviewer}"


def is_by_reviewer(step: Step) -> bool:
    return step.rule.startswith(("merge by ", "split by "))


def revise_concept(concept: Concept, *, unit_id: int, revisions: Sequence[Revision]) -> Concept:
    """Merges and splits: the concept under its new form, with a step that names the reviewer."""
    for revision in revisions:
        if revision.unit_id not in (None, unit_id) or concept.form not in revision.words:
            continue
        if revision.kind in ("merge", "split"):
            step = Step(rule=name_rule(revision), before=concept.form, after=revision.into)
            concept = replace(
                concept,
                form=revision.into,
                head=revision.into,
                core="",
                steps=(*concept.steps, step),
                is_apart=revision.kind == "split",
            )
    return concept


def rename(
    concept: str, *, unit_id: int, revisions: Sequence[Revision], renamed_by: str | None = None
) -> tuple[str, str | None]:
    """The unit's concept by the last name that a reviewer gave it, and who gave it; None if nobody did.

    A merge that comes after reaches a given name as it reaches what people said. `renamed_by`: the reviewer who gave
    the name `concept` before these revisions.
    """
    for revision in revisions:
        if revision.kind == "rename" and revision.unit_id == unit_id:
            concept, renamed_by = revision.into, revision.reviewer
        elif revision.kind == "merge" and renamed_by is not None and concept in revision.words:
            concept = revision.into
    return concept, renamed_by
