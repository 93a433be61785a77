"""Checks that elements have the order and number that a schema allows, and says where they do not."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from urllib.parse import urlsplit

from annotator.sandbox.questions.safe_xml import BadDocument, name, namespace

MANY = 1_000_000


@dataclass(frozen=True)
class Part:
    """A child element and how often it may occur."""

    tag: str
    least: int = 1
    most: int = 1


def one(tag: str) -> Part:
    return Part(tag)


def optional(tag: str) -> Part:
    return Part(tag, 0, 1)


def some(tag: str) -> Part:
    return Part(tag, 1, MANY)


def any_number(tag: str) -> Part:
    return Part(tag, 0, MANY)


def read_sequence(element: ET.Element, *parts: Part) -> dict[str, list[ET.Element]]:
    """The children by tag. Raises BadDocument if one is missing, out of order, too many or unknown."""
    found: dict[str, list[ET.Element]] = {part.tag: [] for part in parts}
    waiting = list(element)
    for part in parts:
        while waiting and name(waiting[0]) == part.tag and len(found[part.tag]) < part.most:
            found[part.tag].append(waiting.pop(0))
        if len(found[part.tag]) < part.least:
            instead = f"a {name(waiting[0])}" if waiting else "nothing"
            raise BadDocument(f"{name(element)} has {instead} where a {part.tag} is due.")
    if waiting:
        raise BadDocument(f"{name(element)} has a {name(waiting[0])} where none may stand.")
    check_namespace(element)
    return found


def check_namespace(element: ET.Element) -> None:
    for child in element:
        if namespace(child) != namespace(element):
            raise BadDocument(f"{name(child)} is not in the namespace of {name(element)}.")


def leaf(element: ET.Element) -> str:
    """The text of an element that may have no children."""
    if len(element):
        raise BadDocument(f"{name(element)} may contain text only.")
    return element.text or ""


def web_address(text: str) -> str:
    if urlsplit(text.strip()).scheme not in ("http", "https"):
        raise BadDocument("DataURL must begin with http:// or https://.")
    return text.strip()


def whole_number(text: str, *, where: str, least: int = 0) -> int:
    cleaned = text.strip()
    if not cleaned.isascii() or not cleaned.isdigit() or len(cleaned) > 10 or int(cleaned) < least:
        raise BadDocument(f"{where} must be a whole number of at least {least}.")
    return int(cleaned)


def boolean(text: str, *, where: str) -> bool:
    if text.strip() not in ("true", "false", "1", "0"):
        raise BadDocument(f"{where} must be true or false.")
    return text.strip() in ("true", "1")
