"""A reviewer's judgement on what units are called; the labels that it reaches are compared again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotator.accounts.models import Role
from annotator.comparison.comparing import LabelsChanged, compare_labels
from annotator.crowd.models import Campaign
from annotator.labels.labeling import OtherLexicon
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.relabeling import BadRevision
from annotator.labels.revising import accept_label, merge_concepts, rename_unit, split_answers
from annotator.labels.undoing import find_last_decision, undo_decision
from annotator.work.options import option
from annotator.work.step import Step, Work
from workers.engine.plurals import say_count


@dataclass(frozen=True)
class ReviseOptions:
    words: tuple[str, ...] = option("Concepts to merge, or forms to split off", default=(), metavar="WORD")
    into: str = option("What they are called from now on", default="", metavar="WORD")
    seen_blind: str = option("What the reviewer wrote before seeing the answers", default="", metavar="WORD")
    seen_at: str = option(
        "When the label was made that the reviewer saw; nothing is done if another one was made since",
        default="", metavar="TIME",
    )  # fmt: skip
    reviewer: str = option("In whose name; default: who asks", default="", reach="command")


@dataclass(frozen=True)
class UndoOptions:
    decision: int = option("The number of the decision that the page offered; default: your last", type=int, default=0)
    reviewer: str = option("Whose last decision; default: of who asks", default="", reach="command")


def accept(work: Work) -> str:
    _check_seen(work)
    _decide(work, changed=[])
    return f"{_name(work.subject)}: “{work.subject.concept or '(no word)'}” accepted."


def rename(work: Work) -> str:
    _check_seen(work)
    label = work.subject
    changed = rename_unit(campaign=label.campaign, unit=label.unit, concept=work.options.into, **_sign(work))
    _decide(work, changed=changed)
    return f"{_name(label)} is called “{label.concept}” from now on."


def merge(work: Work) -> str:
    """The unit's own concept counts as another in the whole campaign."""
    _check_seen(work)
    label, into = work.subject, work.options.into
    changed = merge_concepts(campaign=label.campaign, concepts=[label.concept], into=into, **_sign(work))
    if label not in changed:
        raise BadRevision(
            f"No answer says “{label.concept}” and nothing else, so a merge does not reach it: rename it."
        )
    sentence = _decide(work, changed=changed)
    return f"“{work.details['from']}” counts as “{label.concept}” in the whole campaign: {sentence}"


def _name(label: UnitLabel) -> str:
    return f"Unit {label.unit.index} of {label.unit.layer.path}"


def _decide(work: Work, *, changed: Sequence[UnitLabel]) -> str:
    """A renamed or merged label counts as accepted: a person has looked."""
    label, before = work.subject, work.subject.concept
    accept_label(campaign=label.campaign, unit=label.unit, **_sign(work))
    sentence = _compare(work, label.campaign, changed)
    label.refresh_from_db()
    work.details.update({"from": before, "to": label.concept})
    return sentence


def merge_several(work: Work) -> str:
    """These concepts count as one in the whole campaign."""
    campaign, asked = work.subject, work.options
    changed = merge_concepts(campaign=campaign, concepts=asked.words, into=asked.into, **_sign(work))
    if not changed:
        told = ", ".join(f"“{word}”" for word in asked.words)
        raise BadRevision(
            f"No answer and no name given by a reviewer is {told}, so nothing would change: rename units."
        )
    work.details["units"] = len(changed)
    return _compare(work, campaign, changed)


def split(work: Work) -> str:
    """The unit's answers of these forms leave their group and are called otherwise."""
    _check_seen(work)
    label, asked = work.subject, work.options
    where = {"campaign": label.campaign, "unit": label.unit}
    changed = split_answers(**where, concepts=asked.words, into=asked.into, **_sign(work))
    return _compare(work, label.campaign, changed)


def undo(work: Work) -> str:
    """Takes back the last decision of who asks. Raises BadRevision if it is not the one that the page offered."""
    campaign, asked, signed = work.subject, work.options, _sign(work)
    decision = find_last_decision(campaign=campaign, reviewer=signed["reviewer"])
    if not decision:
        raise BadRevision("You have made no decision in this campaign that could be undone.")
    if asked.decision and asked.decision != decision[0].pk:
        raise BadRevision("You have decided something else since, or undone this. Look at the list of decisions.")
    changed = undo_decision(campaign=campaign, decision=decision, **signed)
    compare_labels(campaign=campaign, labels=changed)
    said = tell_decision(decision)
    work.details.update({"undone": said, "units": len(changed)})
    return f"Undone: {said}."


def tell_decision(decision: Sequence[ConceptRevision]) -> str:
    """One decision of one or two rows in words: `rename “wheel” to “rim” (unit 0 of features.3)`."""
    first, last = decision[0], decision[-1]
    about = ", ".join(f"“{word or '(no word)'}”" for word in first.words)
    said = f"{first.kind} {about}" + ("" if first.kind == ConceptRevision.Kind.ACCEPT else f" to “{first.into}”")
    return f"{said} (unit {last.unit.index} of {last.unit.layer.path})" if last.unit else said


def _check_seen(work: Work) -> None:
    """Raises BadRevision if the label was made again since the reviewer saw it. Its row is locked until the end."""
    label = UnitLabel.objects.select_for_update().get(pk=work.subject.pk)
    if work.options.seen_at and work.options.seen_at != label.labeled_at.isoformat():
        raise BadRevision(
            f"Another decision about {work.subject.unit} was made while you looked at it: it is called "
            f"“{label.concept or '(no word)'}” by now. Open it again, then decide."
        )


def _sign(work: Work) -> dict[str, Any]:
    """In whose name a judgement is kept, and when it was made."""
    return {"reviewer": str(work.options.reviewer or work.by), "now": work.now}


def _compare(work: Work, campaign: Campaign, changed: Sequence[UnitLabel]) -> str:
    compare_labels(campaign=campaign, labels=changed)
    for label in changed:
        work.tell(f"{label.unit}: {label.concept}")
    return f"{say_count(len(changed), 'unit')} renamed."


# What the steps about one label share.
_OF_LABEL: dict[str, Any] = {
    "role": Role.REVIEWER,
    "subject": "unit label",
    "is_quick": True,
    "options": ReviseOptions,
    "refusals": (BadRevision, OtherLexicon),
}
STEPS = (
    Step("accept", "Accept", "The unit's concept stays as it is.", run=accept, **_OF_LABEL),
    Step("rename", "Rename", "Gives one unit another concept.", run=rename, **_OF_LABEL),
    Step("merge", "Merge", "Counts the unit's concept as another one in the whole campaign.", run=merge, **_OF_LABEL),
    Step("split", "Split off", "Gives the unit's answers of some forms another concept.", run=split, **_OF_LABEL),
    Step(
        "merge-concepts", "Merge concepts", "Counts several concepts as one in the whole campaign.",
        role=Role.REVIEWER, run=merge_several, is_quick=True, options=ReviseOptions,
        refusals=(BadRevision, OtherLexicon, LabelsChanged),
    ),
    Step(
        "undo-decision", "Undo", "Takes back one's last decision on concepts; the log keeps both.",
        role=Role.REVIEWER, run=undo, is_quick=True, options=UndoOptions,
        refusals=(BadRevision, OtherLexicon, LabelsChanged),
    ),
)  # fmt: skip
