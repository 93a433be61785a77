"""QuestionFormAnswers: what a person submitted, as the XML document that a requester reads."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotator.sandbox.questions.safe_xml import SCHEMAS

NAMESPACE = f"{SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd"
# Characters that XML 1.0 cannot contain in any form.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Several values of one name, as from a group of checkboxes, are joined to one text.
SEPARATOR = "|"


@dataclass(frozen=True)
class Answer:
    """One question's answer: free text, or selections with their other text, or an uploaded file."""

    question: str
    free_text: str | None = None
    selections: tuple[str, ...] = ()
    other: str | None = None
    file_name: str | None = None
    file_bytes: int = 0


def from_form(fields: Mapping[str, Iterable[str]]) -> list[Answer]:
    """The fields that a page posted to externalSubmit, in its order; the assignment's id is not an answer."""
    return [
        Answer(question=name, free_text=SEPARATOR.join(values))
        for name, values in fields.items()
        if name and name != "assignmentId"
    ]


def write(answers: Iterable[Answer]) -> str:
    """The document; characters that XML cannot contain become U+FFFD."""
    root = ET.Element("QuestionFormAnswers", {"xmlns": NAMESPACE})
    for answer in answers:
        element = ET.SubElement(root, "Answer")
        _add(element, "QuestionIdentifier", answer.question)
        for selection in answer.selections:
            _add(element, "SelectionIdentifier", selection)
        if answer.other is not None:
            _add(element, "OtherSelectionText", answer.other)
        if answer.free_text is not None:
            _add(element, "FreeText", answer.free_text)
        if answer.file_name is not None:
            _add(element, "UploadedFileSizeInBytes", str(answer.file_bytes))
            _add(element, "UploadedFileKey", answer.file_name)
    return '<?xml version="1.0" encoding="UTF-8" standalone="no"?>' + ET.tostring(
        root, encoding="unicode", short_empty_elements=False
    )


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = _IMPOSSIBLE.sub("\ufffd", text)


def read_values(document: str) -> dict[str, frozenset[str]]:
    """The set of values given to each question, without surrounding space; of a document that `write` made."""
    found: dict[str, frozenset[str]] = {}
    for element in ET.fromstring(document) if document else ():  # noqa: S314  our own document, not a stranger's
        values = [child.text or "" for child in element if not child.tag.endswith("QuestionIdentifier")]
        question = element.findtext(f"{{{NAMESPACE}}}QuestionIdentifier") or ""
        found[question] = frozenset(value.strip() for value in values if value.strip())
    return found
