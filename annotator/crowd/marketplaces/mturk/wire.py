"""Our campaign and HIT in MTurk's fields."""

from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings

from annotator.crowd.hit_types.templates import BadTemplate, HITTemplate
from annotator.crowd.models import HIT, Campaign

QUESTION_BYTES = 65_535


def render_hit_type(*, campaign: Campaign, template: HITTemplate) -> dict[str, Any]:
    """What CreateHITType is sent."""
    fields: dict[str, Any] = {
        "Title": template.title,
        "Description": template.description,
        "Keywords": template.keywords,
        "Reward": render_amount(campaign.reward_usd),
        "AssignmentDurationInSeconds": template.assignment_seconds,
        "AutoApprovalDelayInSeconds": template.auto_approval_seconds,
    }
    requirements = render_requirements(campaign.qualifications)
    return fields | ({"QualificationRequirements": requirements} if requirements else {})


def render_question(*, hit: HIT, template: HITTemplate) -> str:
    """The ExternalQuestion: the address of this HIT's page and how high its frame is."""
    question = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{escape(page_address(hit=hit))}</ExternalURL>"
        f"<FrameHeight>{template.frame_height_px}</FrameHeight></ExternalQuestion>"
    )
    if len(question.encode()) > QUESTION_BYTES:
        raise BadTemplate(f"The question of {hit} is longer than {QUESTION_BYTES} bytes.")
    return question


def page_address(*, hit: HIT) -> str:
    return f"{settings.HIT_PAGES_URL}/hit/{hit.public_id}/"


def render_amount(amount_usd: Decimal) -> str:
    """MTurk's amounts: a decimal string with two places."""
    return f"{amount_usd:.2f}"


NO_ASSIGNMENT = "ASSIGNMENT_ID_NOT_AVAILABLE"


# MTurk's system qualifications; the same ids at all three.
LOCALE_QUALIFICATION = "00000000000000000071"


APPROVAL_PERCENT_QUALIFICATION = "000000000000000000L0"


N_APPROVED_QUALIFICATION = "00000000000000000040"


def render_requirements(qualifications: dict[str, Any]) -> list[dict[str, Any]]:
    """The campaign's qualifications in MTurk's words; each hides nothing: workers may preview and see why."""
    requirements: list[dict[str, Any]] = []
    if locales := qualifications.get("locales"):
        values = [{"Country": country} for country in locales]
        requirements.append(_require(LOCALE_QUALIFICATION, "In", LocaleValues=values))
    if percent := qualifications.get("min_approval_percent"):
        requirements.append(
            _require(APPROVAL_PERCENT_QUALIFICATION, "GreaterThanOrEqualTo", IntegerValues=[int(percent)])
        )
    if n_approved := qualifications.get("min_approved"):
        requirements.append(_require(N_APPROVED_QUALIFICATION, "GreaterThanOrEqualTo", IntegerValues=[int(n_approved)]))
    if screening := qualifications.get("screening"):
        least = [int(screening["least_percent"])]
        requirements.append(_require(screening["qualification_id"], "GreaterThanOrEqualTo", IntegerValues=least))
    for qualification_id in qualifications.get("excluded_by", []):
        requirements.append(_require(qualification_id, "DoesNotExist"))
    for qualification_id in qualifications.get("required", []):
        requirements.append(_require(qualification_id, "Exists"))
    return requirements


def _require(qualification_id: str, comparator: str, **values: Any) -> dict[str, Any]:
    return {
        "QualificationTypeId": qualification_id,
        "Comparator": comparator,
        "ActionsGuarded": "Accept",
        **values,
    }
