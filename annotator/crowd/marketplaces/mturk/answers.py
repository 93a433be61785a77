"""The answers that MTurk keeps, as XML, and the form that sends them."""

from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from annotator.crowd.hit_types.answers import Answer, BadAnswer, Verdict, read_work

LONGEST_XML = 131_072


def read_work_xml(xml: str, *, kind: str, n_crops: int) -> Answer | Verdict:
    """MTurk's QuestionFormAnswers, as ListAssignmentsForHIT gives them."""
    values: dict[str, Any] = dict(read_xml_fields(xml))
    values["marked"] = [_read_position(part) for part in str(values.get("marked", "")).split()]
    return read_work(values, kind=kind, n_crops=n_crops)


def read_xml_fields(xml: str) -> dict[str, str]:
    """QuestionIdentifier -> FreeText of every answer; no entities, no document types."""
    if len(xml) > LONGEST_XML:
        raise BadAnswer("The answer is too long to be one of this page's.", field="description")
    try:
        root = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadAnswer(f"The marketplace's answer is not XML: {type(error).__name__}.", field="description") from None
    fields: dict[str, str] = {}
    for answer in root.iter():
        if _local_name(answer.tag) == "Answer":
            parts = {_local_name(part.tag): part.text or "" for part in answer}
            fields[parts.get("QuestionIdentifier", "")] = parts.get("FreeText", "")
    return fields


def list_form_fields(*, assignment_id: str, work: Answer | Verdict, receipt: str) -> dict[str, str]:
    """What the page posts to the marketplace: enough to read the whole answer again from there."""
    fields = {"assignmentId": assignment_id}
    if isinstance(work, Verdict):
        fields["verdict"] = "yes" if work.fits else "no"
    else:
        fields["description"] = work.description
        fields["category"] = work.category.value
        fields["marked"] = " ".join(str(position) for position in work.marked)
    return fields | {"active_seconds": f"{work.active_seconds:.1f}", "receipt": receipt}


def _read_position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadAnswer("The marketplace's answer names a crop that was not shown.", field="marked")
    return int(text)


def _local_name(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]
