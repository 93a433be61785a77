"""A reviewer's judgement on what units are called; the labels that it reaches are compared anew."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotator.accounts.models import Role
from annotator.comparison.comparing import compare_labels
from annotator.labels.models import UnitLabel
from annotator.labels.relabeling import BadRevision
from annotator.labels.revising import accept_label, merge_concepts, rename_unit, split_answers
from annotator.work.options import option
from annotator.work.step import Step, Work


@dataclass(frozen=True)
class ReviseOptions:
    words: tuple[str, ...] = option("Concepts to merge, or forms to split off", default=(), metavar="WORD")
    into: str = option("What they are called from now on", default="", metavar="WORD")
    seen_blind: str = option("What the reviewer wrote before seeing the answers", default="", metavar="WORD")
    reviewer: str = option("In whose name; default: who asks", default="", reach="command")


def accept(work: Work) -> str:
    return _decide(work, changed=[])


def rename(work: Work) -> str:
    label, into = work.subject, work.options.into
    reviewer, now = _find_reviewer(work), work.now
    changed = rename_unit(campaign=label.campaign, unit=label.unit, concept=into, reviewer=reviewer, now=now)
    return _decide(work, changed=changed)


def merge(work: Work) -> str:
    """The unit's own concept counts as another in the whole campaign."""
    label, into = work.subject, work.options.into
    reviewer, now = _find_reviewer(work), work.now
    changed = merge_concepts(campaign=label.campaign, concepts=[label.concept], into=into, reviewer=reviewer, now=now)
    return _decide(work, changed=changed)


def _decide(work: Work, *, changed: Sequence[UnitLabel]) -> str:
    """A renamed or merged label counts as accepted: a person has looked."""
    label, before = work.subject, work.subject.concept
    accept_label(campaign=label.campaign, unit=label.unit, reviewer=_find_reviewer(work), now=work.now)
    compare_labels(campaign=label.campaign, labels=changed)
    label.refresh_from_db()
    work.details.update({"from": before, "to": label.concept})
    return _tell(work, changed)


def merge_several(work: Work) -> str:
    """These concepts count as one in the whole campaign."""
    campaign, asked = work.subject, work.options
    changed = merge_concepts(
        campaign=campaign, concepts=asked.words, into=asked.into, reviewer=_find_reviewer(work), now=work.now
    )
    compare_labels(campaign=campaign, labels=changed)
    work.details["units"] = len(changed)
    return _tell(work, changed)


def split(work: Work) -> str:
    """The unit's answers of these forms leave their group and are called otherwise."""
    label, asked = work.subject, work.options
    changed = split_answers(
        campaign=label.campaign,
        unit=label.unit,
        concepts=asked.words,
        into=asked.into,
        reviewer=_find_reviewer(work),
        now=work.now,
    )
    compare_labels(campaign=label.campaign, labels=changed)
    return _tell(work, changed)


def _find_reviewer(work: Work) -> str:
    return str(work.options.reviewer or work.by)


def _tell(work: Work, changed: Sequence[UnitLabel]) -> str:
    for label in changed:
        work.tell(f"{label.unit}: {label.concept}")
    return f"{len(changed)} units named anew."


STEPS = (
    Step(
        "accept", "Accept", "The unit's concept stays as it is.", role=Role.REVIEWER, subject="unit label",
        run=accept, is_quick=True, options=ReviseOptions, refusals=(BadRevision,),
    ),
    Step(
        "rename", "Rename", "Gives one unit another concept.", role=Role.REVIEWER, subject="unit label", run=rename,
        is_quick=True, options=ReviseOptions, refusals=(BadRevision,),
    ),
    Step(
        "merge", "Merge", "Counts the unit's concept as another one in the whole campaign.", role=Role.REVIEWER,
        subject="unit label", run=merge, is_quick=True, options=ReviseOptions, refusals=(BadRevision,),
    ),
    Step(
        "split", "Split off", "Gives the unit's answers of some forms another concept.", role=Role.REVIEWER,
        subject="unit label", run=split, is_quick=True, options=ReviseOptions, refusals=(BadRevision,),
    ),
    Step(
        "merge-concepts", "Merge concepts", "Counts several concepts as one in the whole campaign.",
        role=Role.REVIEWER, run=merge_several, is_quick=True, options=ReviseOptions, refusals=(BadRevision,),
    ),
)  # fmt: skip
