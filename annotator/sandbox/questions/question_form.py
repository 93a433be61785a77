"""QuestionForm: MTurk's own form language, for HITs and qualification tests."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from annotator.sandbox.questions import formatted
from annotator.sandbox.questions.answer_specs import AnswerSpec, read_answer_spec
from annotator.sandbox.questions.safe_xml import SCHEMAS, BadDocument, name
from annotator.sandbox.questions.structure import boolean, leaf, read_binary, read_sequence

NAMESPACE_2005 = f"{SCHEMAS}/2005-10-01/QuestionForm.xsd"
NAMESPACE_2017 = f"{SCHEMAS}/2017-11-06/QuestionForm.xsd"
NAMESPACES = (NAMESPACE_2005, NAMESPACE_2017)
_MEDIA = ("image", "audio", "video")


@dataclass(frozen=True)
class Block:
    """A piece of content; `kind` is Title, Text, List, FormattedContent, image, audio, video or link."""

    kind: str
    text: str = ""
    items: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True)
class Overview:
    content: tuple[Block, ...]


@dataclass(frozen=True)
class Question:
    identifier: str
    display_name: str
    is_required: bool
    content: tuple[Block, ...]
    answer: AnswerSpec


@dataclass(frozen=True)
class QuestionForm:
    parts: tuple[Overview | Question, ...]

    @property
    def questions(self) -> list[Question]:
        return [part for part in self.parts if isinstance(part, Question)]


def read(root: ET.Element) -> QuestionForm:
    """The form. Raises BadDocument."""
    parts: list[Overview | Question] = []
    for child in root:
        if name(child) not in ("Overview", "Question"):
            raise BadDocument(f"QuestionForm has a {name(child)} where only Overview and Question may stand.")
        parts.append(Overview(read_content(child)) if name(child) == "Overview" else _read_question(child))
    form = QuestionForm(tuple(parts))
    identifiers = [question.identifier for question in form.questions]
    if not identifiers:
        raise BadDocument("QuestionForm has no Question.")
    if len(set(identifiers)) < len(identifiers):
        raise BadDocument("Two questions have the same QuestionIdentifier.")
    return form


def _read_question(element: ET.Element) -> Question:
    found = read_sequence(
        element, "QuestionIdentifier", "DisplayName?", "IsRequired?", "QuestionContent", "AnswerSpecification"
    )
    identifier = leaf(found["QuestionIdentifier"][0]).strip()
    if not 1 <= len(identifier) <= 128:
        raise BadDocument("A QuestionIdentifier must have 1 to 128 characters.")
    return Question(
        identifier=identifier,
        display_name="".join(leaf(child) for child in found["DisplayName"]),
        is_required=any(boolean(leaf(child), where="IsRequired") for child in found["IsRequired"]),
        content=read_content(found["QuestionContent"][0]),
        answer=read_answer_spec(found["AnswerSpecification"][0]),
    )


def read_content(element: ET.Element) -> tuple[Block, ...]:
    """Overview, QuestionContent, or the content of a Selection."""
    blocks = tuple(_read_block(child) for child in element)
    if not blocks:
        raise BadDocument(f"{name(element)} is empty.")
    return blocks


def _read_block(element: ET.Element) -> Block:
    kind = name(element)
    if kind in ("Title", "Text"):
        return Block(kind, leaf(element))
    if kind == "FormattedContent":
        return Block(kind, formatted.to_html(leaf(element)))
    if kind == "List":
        items = read_sequence(element, "ListItem+")["ListItem"]
        return Block(kind, items=tuple(leaf(item) for item in items))
    if kind == "Binary":
        return _read_binary(element)
    raise BadDocument(f"{kind} is not a kind of content that this marketplace shows.")


def _read_binary(element: ET.Element) -> Block:
    """A file at an address: shown if it is an image, a sound or a video; otherwise a link."""
    mime_type, address, text = read_binary(element)
    media = leaf(read_sequence(mime_type, "Type", "SubType?")["Type"][0]).strip()
    return Block(media if media in _MEDIA else "link", text=text, address=address)
