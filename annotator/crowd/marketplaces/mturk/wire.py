"""Our acts in MTurk's fields."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from annotator.crowd.hit_types.templates import BadTemplate
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import (
    JSON,
    Act,
    Approve,
    Extend,
    Overturn,
    Page,
    PayBonus,
    Prolong,
    Publish,
    Qualify,
    Register,
    Reject,
    Stop,
    ThanksPage,
)

OPERATIONS = {
    Verb.REGISTER: "CreateHITType",
    Verb.PUBLISH: "CreateHITWithHITType",
    Verb.EXTEND: "CreateAdditionalAssignmentsForHIT",
    Verb.STOP: "UpdateExpirationForHIT",
    Verb.PROLONG: "UpdateExpirationForHIT",
    Verb.APPROVE: "ApproveAssignment",
    Verb.REJECT: "RejectAssignment",
    Verb.OVERTURN: "ApproveAssignment",
    Verb.PAY_BONUS: "SendBonus",
}
MAX_QUESTION_BYTES = 65_535
_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
# MTurk's system qualifications; the same ids at all three.
LOCALE_QUALIFICATION = "00000000000000000071"
LEAST = {"min_approval_percent": "000000000000000000L0", "min_approved": "00000000000000000040"}


def translate(act: Act, *, key: str, submit_url: str) -> JSON:
    """`submit_url`: where a page of the marketplace's own posts to."""
    match act:
        case Register():
            return _render_hit_type(act)
        case Publish():
            return {
                "HITTypeId": act.hit_type_id,
                "MaxAssignments": act.n_assignments,
                "LifetimeInSeconds": act.lifetime_seconds,
                "Question": _render_question(act.page, submit_url=submit_url),
                "RequesterAnnotation": key,
                "UniqueRequestToken": key,
            }
        case Extend():
            return {"HITId": act.hit_id, "NumberOfAdditionalAssignments": act.n_more, "UniqueRequestToken": key}
        case Stop():
            return {"HITId": act.hit_id, "ExpireAt": 0}
        case Prolong():
            return {"HITId": act.hit_id, "ExpireAt": int(act.until.timestamp())}
        case Approve():
            return {"AssignmentId": act.assignment_id}
        case Reject():
            return {"AssignmentId": act.assignment_id, "RequesterFeedback": act.feedback}
        case Overturn():
            feedback = {"AssignmentId": act.assignment_id, "RequesterFeedback": act.feedback}
            return {**feedback, "OverrideRejection": True}
        case PayBonus():
            return {
                "AssignmentId": act.assignment_id,
                "BonusAmount": render_amount(act.amount_usd),
                "Reason": f"{act.reason} ({make_mark(key)})",
                "UniqueRequestToken": key,
            }
        case Qualify():
            return _render_qualification(act)


def find_made_id(verb: Verb, response: Mapping[str, Any]) -> str:
    """The id of the HIT type or HIT that this response tells of; empty for other verbs."""
    if verb == Verb.REGISTER:
        return str(response["HITTypeId"])
    return str(response["HIT"]["HITId"]) if verb == Verb.PUBLISH else ""


def make_mark(key: str) -> str:
    """Stands in the reason of a bonus, so that it is known again in the list of bonuses."""
    return key[:16]


def render_amount(amount_usd: Decimal) -> str:
    """MTurk's amounts: a decimal string with two places."""
    return f"{amount_usd:.2f}"


def _render_hit_type(act: Register) -> JSON:
    fields: JSON = {
        "Title": act.title,
        "Description": act.description,
        "Keywords": act.keywords,
        "Reward": render_amount(act.reward_usd),
        "AssignmentDurationInSeconds": act.assignment_seconds,
        "AutoApprovalDelayInSeconds": act.auto_approval_seconds,
    }
    requirements = render_requirements(act.requirements)
    return fields | ({"QualificationRequirements": requirements} if requirements else {})


def _render_qualification(act: Qualify) -> JSON:
    fields: JSON = {"Name": act.name, "Description": act.description}
    if act.keywords:
        fields["Keywords"] = act.keywords
    if act.screening is not None:
        fields |= {
            "Test": act.screening.form,
            "AnswerKey": act.screening.key,
            "TestDurationInSeconds": 60 * act.screening.minutes,
        }
    return fields


def _render_question(page: Page | ThanksPage, *, submit_url: str) -> str:
    """An ExternalQuestion with the address of our page, or an HTMLQuestion with a page of its own."""
    if isinstance(page, ThanksPage):
        return _render_thanks(page, submit_url=submit_url)
    question = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<ExternalQuestion xmlns="{_SCHEMAS}/2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{escape(page.url)}</ExternalURL>"
        f"<FrameHeight>{page.frame_height_px}</FrameHeight></ExternalQuestion>"
    )
    if len(question.encode()) > MAX_QUESTION_BYTES:
        raise BadTemplate(f"The question for {page.url[:200]} is longer than {MAX_QUESTION_BYTES} bytes.")
    return question


def _render_thanks(page: ThanksPage, *, submit_url: str) -> str:
    receipt = escape(page.receipt)
    html = (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Pay for your work</title></head><body>"
        f"<h1>Thank you for your work</h1><p>Your work with the receipt <b>{receipt}</b> is stored. "
        "Please submit this HIT, and you are paid for it. There is nothing else to do.</p>"
        f"<form method='post' action='{escape(submit_url)}'>"
        f"<input type='hidden' name='receipt' value='{receipt}'>"
        "<input type='hidden' name='assignmentId' id='assignmentId' value=''><button>Submit</button></form><script>"
        "const query = new URLSearchParams(location.search);"
        "document.getElementById('assignmentId').value = query.get('assignmentId') || '';"
        "</script></body></html>"
    )
    return (
        f'<HTMLQuestion xmlns="{_SCHEMAS}/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[{html}]]></HTMLContent>'
        "<FrameHeight>400</FrameHeight></HTMLQuestion>"
    )


def render_requirements(qualifications: Mapping[str, Any]) -> list[JSON]:
    """The campaign's qualifications in MTurk's words. Workers may preview the HIT and see why they cannot take it."""
    requirements: list[JSON] = []
    if locales := qualifications.get("locales"):
        values = [{"Country": country} for country in locales]
        requirements.append(_require(LOCALE_QUALIFICATION, "In", LocaleValues=values))
    for name, qualification_id in LEAST.items():
        if least := qualifications.get(name):
            requirements.append(_require(qualification_id, "GreaterThanOrEqualTo", IntegerValues=[int(least)]))
    if screening := qualifications.get("screening"):
        points = [int(screening["least_percent"])]
        requirements.append(_require(screening["qualification_id"], "GreaterThanOrEqualTo", IntegerValues=points))
    for qualification_id in qualifications.get("excluded_by", []):
        requirements.append(_require(qualification_id, "DoesNotExist"))
    for qualification_id in qualifications.get("required", []):
        requirements.append(_require(qualification_id, "Exists"))
    if only := qualifications.get("only"):
        requirements.append(_require(only, "Exists", ActionsGuarded="DiscoverPreviewAndAccept"))
    return requirements


def _require(qualification_id: str, comparator: str, **values: Any) -> JSON:
    return {
        "QualificationTypeId": qualification_id,
        "Comparator": comparator,
        "ActionsGuarded": "Accept",
        **values,
    }
