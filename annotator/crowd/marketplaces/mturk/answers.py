"""The answers that MTurk keeps, as XML."""

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from annotator.crowd.hit_types.answers import BadAnswer

MAX_XML = 131_072


def read_xml_fields(xml: str) -> dict[str, str]:
    """QuestionIdentifier -> FreeText of every answer; no entities, no document types."""
    if len(xml) > MAX_XML:
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


def _local_name(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]
