"""A reviewer's decision on one unit's label, carried out and entered in the audit log: both or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from annotator.accounts.auditing import write_audit_entry
from annotator.comparison.comparing import compare_labels
from annotator.crowd.models import Campaign
from annotator.labels.models import UnitLabel
from annotator.labels.revising import accept_label, merge_concepts, rename_unit, split_answers
from annotator.units.models import audit_subject

ACTIONS = ("accept", "rename", "merge")


@dataclass(frozen=True)
class Decision:
    action: str
    # The new name, or the concept to merge into.
    word: str = ""
    # What the reviewer wrote before seeing what others say.
    blind_word: str = ""


def decide_label(*, label: UnitLabel, decision: Decision, reviewer: User, now: datetime) -> None:
    """Raises labels' BadRevision. A renamed or merged label counts as accepted: a person has looked."""
    campaign, unit, name = label.campaign, label.unit, reviewer.get_username()
    before = label.concept
    with transaction.atomic():
        changed: list[UnitLabel] = []
        if decision.action == "rename":
            changed = rename_unit(campaign=campaign, unit=unit, concept=decision.word, reviewer=name, now=now)
        elif decision.action == "merge":
            changed = merge_concepts(campaign=campaign, concepts=[before], into=decision.word, reviewer=name, now=now)
        accept_label(campaign=campaign, unit=unit, reviewer=name, now=now)
        compare_labels(campaign=campaign, labels=changed)
        label.refresh_from_db()
        details = {"campaign": campaign.name, "from": before, "to": label.concept, "seen blind": decision.blind_word}
        details = {key: value for key, value in details.items() if value}
        write_audit_entry(actor=reviewer, action=decision.action, subject=audit_subject(unit), details=details, now=now)


def merge_everywhere(*, campaign: Campaign, concepts: Sequence[str], into: str, reviewer: User, now: datetime) -> int:
    """These concepts count as one in the whole campaign; how many labels were named anew. Raises BadRevision."""
    with transaction.atomic():
        changed = merge_concepts(
            campaign=campaign, concepts=concepts, into=into, reviewer=reviewer.get_username(), now=now
        )
        compare_labels(campaign=campaign, labels=changed)
        details = {"from": ", ".join(concepts), "to": into, "units": len(changed)}
        subject = f"campaign {campaign.name}"
        write_audit_entry(actor=reviewer, action="merge concepts", subject=subject, details=details, now=now)
    return len(changed)


def split_off(*, label: UnitLabel, forms: Sequence[str], into: str, reviewer: User, now: datetime) -> None:
    """The unit's answers of these forms leave their group and are called otherwise. Raises BadRevision."""
    with transaction.atomic():
        changed = split_answers(
            campaign=label.campaign, unit=label.unit, concepts=forms, into=into, reviewer=reviewer.get_username(),
            now=now,
        )  # fmt: skip
        compare_labels(campaign=label.campaign, labels=changed)
        details = {"campaign": label.campaign.name, "from": ", ".join(forms), "to": into}
        write_audit_entry(actor=reviewer, action="split", subject=audit_subject(label.unit), details=details, now=now)
