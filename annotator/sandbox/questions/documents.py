"""A HIT's Question: an ExternalQuestion, an HTMLQuestion or a QuestionForm, checked against the published structure."""

import ipaddress
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

from annotator.sandbox.questions import question_form, safe_xml
from annotator.sandbox.questions.safe_xml import SCHEMAS, BadDocument
from annotator.sandbox.questions.structure import split_web_address
from annotator.sandbox.rules.refusals import Code, Refused

EXTERNAL_NAMESPACE = f"{SCHEMAS}/2006-07-14/ExternalQuestion.xsd"
HTML_NAMESPACE = f"{SCHEMAS}/2011-11-11/HTMLQuestion.xsd"
# Zero means as high as the window.
FRAME_HEIGHTS_PX = range(0, 100_001)


@dataclass(frozen=True)
class ExternalQuestion:
    url: str
    frame_height_px: int


@dataclass(frozen=True)
class HTMLQuestion:
    content: str
    frame_height_px: int


Question = ExternalQuestion | HTMLQuestion | question_form.QuestionForm


def check_question(text: str) -> Question:
    """The question in this document. Raises Refused with XMLParseError and the position."""
    try:
        return read_question(text)
    except BadDocument as error:
        raise refusal(error) from error


def refusal(error: BadDocument) -> Refused:
    """MTurk's message for an XML document that is not valid."""
    return Refused(
        Code.XML_PARSE_ERROR,
        "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
        f"well-formed and validates against the appropriate schema. Details: {error}",
    )


def read_question(text: str) -> Question:
    root = safe_xml.parse(text)
    readers: dict[tuple[str, str], Callable[[ET.Element], Question]] = {
        (EXTERNAL_NAMESPACE, "ExternalQuestion"): _read_external,
        (HTML_NAMESPACE, "HTMLQuestion"): _read_html,
        **{(space, "QuestionForm"): question_form.read for space in question_form.NAMESPACES},
    }
    reader = readers.get((safe_xml.namespace(root), safe_xml.name(root)))
    if reader is None:
        raise BadDocument(
            f"The root element is {root.tag}; it must be an ExternalQuestion, an HTMLQuestion or a QuestionForm "
            "in its namespace."
        )
    return reader(root)


def _read_external(root: ET.Element) -> ExternalQuestion:
    url, height = _two(root, "ExternalURL", "FrameHeight")
    parts = split_web_address(url)
    if parts is None or not parts.hostname:
        raise BadDocument("ExternalURL must be an https address.")
    if parts.scheme == "http" and not _is_nearby(parts.hostname):
        raise BadDocument("ExternalURL must be an https address; http is for addresses of one's own network.")
    return ExternalQuestion(url, _height(height))


def _is_nearby(host: str) -> bool:
    """Loopback, a private network, or a name without a dot."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.endswith(".localhost") or "." not in host
    return address.is_private or address.is_loopback


def _read_html(root: ET.Element) -> HTMLQuestion:
    content, height = _two(root, "HTMLContent", "FrameHeight")
    if not content:
        raise BadDocument("HTMLContent is empty.")
    return HTMLQuestion(content, _height(height))


def _two(root: ET.Element, first: str, second: str) -> tuple[str, str]:
    """The texts of exactly these two elements in this order."""
    if [child.tag for child in root] != [f"{{{safe_xml.namespace(root)}}}{tag}" for tag in (first, second)]:
        raise BadDocument(f"{safe_xml.name(root)} must contain {first} and {second}, in this order, and nothing else.")
    if any(len(child) for child in root):
        raise BadDocument(f"{first} and {second} contain text only; put HTML into a CDATA section.")
    return (root[0].text or "").strip(), (root[1].text or "").strip()


def _height(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:9]) not in FRAME_HEIGHTS_PX:
        raise BadDocument(f"FrameHeight must be a number of pixels between 0 and {FRAME_HEIGHTS_PX[-1]}.")
    return int(text)
