"""What a step can be about: how it is found again from a job's row, and what it is called in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from annotator.crowd.models import Assignment, Campaign
from annotator.labels.models import UnitLabel
from annotator.studies.models import Study
from annotator.units.models import Dissection
from annotator.work.step import SubjectKind


@dataclass(frozen=True)
class Subject:
    """`key`: the text that a job's row keeps. `find` raises the model's DoesNotExist."""

    key: Callable[[Any], str]
    find: Callable[[str], Any]
    audit_name: Callable[[Any], str]
    campaign: Callable[[Any], Campaign | None]
    # What the audit log adds if the subject's name alone does not say which row it was.
    details: Callable[[Any], dict[str, Any]] = lambda subject: {}


def _key(row: Any) -> str:
    return str(row.pk)


def _find_assignment(key: str) -> Assignment:
    return Assignment.objects.select_related("hit__campaign", "hit__hit_type", "rejection").get(pk=key)


def _find_label(key: str) -> UnitLabel:
    return UnitLabel.objects.select_related("campaign", "unit__layer__network").get(pk=key)


SUBJECTS: dict[SubjectKind, Subject] = {
    "campaign": Subject(
        key=_key,
        find=lambda key: Campaign.objects.get(pk=key),
        audit_name=lambda campaign: f"campaign {campaign.name}",
        campaign=lambda campaign: campaign,
    ),
    "new campaign": Subject(
        key=str,
        find=str,
        audit_name=lambda name: f"campaign {name}",
        campaign=lambda name: Campaign.objects.filter(name=name).first(),
    ),
    "assignment": Subject(
        key=_key,
        find=_find_assignment,
        audit_name=lambda assignment: f"campaign {assignment.hit.campaign.name}",
        campaign=lambda assignment: assignment.hit.campaign,
        details=lambda assignment: {"answer": assignment.pk},
    ),
    "unit label": Subject(
        key=_key,
        find=_find_label,
        audit_name=lambda label: label.unit.audit_name,
        campaign=lambda label: label.campaign,
        details=lambda label: {"campaign": label.campaign.name},
    ),
    "dissection": Subject(
        key=_key,
        find=lambda key: Dissection.objects.select_related("network", "image_set").get(pk=key),
        audit_name=lambda dissection: f"dissection {dissection.pk}",
        campaign=lambda dissection: None,
        details=lambda dissection: {"network": dissection.network.name, "images": dissection.image_set.name},
    ),
    "new study": Subject(key=str, find=str, audit_name=lambda name: f"study {name}", campaign=lambda name: None),
    "study": Subject(
        key=_key,
        find=lambda key: Study.objects.select_related("dissection__image_set").get(pk=key),
        audit_name=lambda study: f"study {study.name}",
        campaign=lambda study: None,
    ),
    "marketplace": Subject(
        key=str, find=str, audit_name=lambda name: f"marketplace {name}", campaign=lambda name: None
    ),
}
