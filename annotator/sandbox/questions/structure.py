"""Checks that elements have the order and number that a schema allows, and says where they do not."""

import sys
import xml.etree.ElementTree as ET
from urllib.parse import SplitResult, urlsplit

from annotator.sandbox.questions.safe_xml import BadDocument, name, namespace

# How often a child may occur, by the sign after its tag, as in a DTD; without a sign it occurs once.
COUNTS = {"?": (0, 1), "+": (1, sys.maxsize), "*": (0, sys.maxsize)}


def read_sequence(element: ET.Element, *parts: str) -> dict[str, list[ET.Element]]:
    """The children by tag, for parts like "Question+" (see COUNTS).

    Raises BadDocument if one is missing, out of order, too many or unknown.
    """
    found: dict[str, list[ET.Element]] = {}
    waiting = list(element)
    for part in parts:
        tag = part.rstrip("?+*")
        least, most = COUNTS.get(part[-1], (1, 1))
        taken = found[tag] = []
        while waiting and name(waiting[0]) == tag and len(taken) < most:
            taken.append(waiting.pop(0))
        if len(taken) < least:
            instead = f"a {name(waiting[0])}" if waiting else "nothing"
            raise BadDocument(f"{name(element)} has {instead} where a {tag} is due.")
    if waiting:
        raise BadDocument(f"{name(element)} has a {name(waiting[0])} where none may stand.")
    for child in element:
        if namespace(child) != namespace(element):
            raise BadDocument(f"{name(child)} is not in the namespace of {name(element)}.")
    return found


def leaf(element: ET.Element) -> str:
    """The text of an element that may have no children."""
    if len(element):
        raise BadDocument(f"{name(element)} may contain text only.")
    return element.text or ""


def read_binary(element: ET.Element) -> tuple[ET.Element, str, str]:
    """A file at an address: its MimeType, address and AltText."""
    found = read_sequence(element, "MimeType", "DataURL", "AltText")
    return found["MimeType"][0], web_address(leaf(found["DataURL"][0])), leaf(found["AltText"][0])


def web_address(text: str) -> str:
    if split_web_address(text) is None:
        raise BadDocument("DataURL must begin with http:// or https://.")
    return text.strip()


def split_web_address(text: str) -> SplitResult | None:
    """None if it is of another scheme, or no address at all, such as https://[1:2/ or one with a host like ℀.org."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") else None


def whole_number(text: str, *, where: str, least: int = 0) -> int:
    cleaned = text.strip()
    if not cleaned.isascii() or not cleaned.isdigit() or len(cleaned) > 10 or int(cleaned) < least:
        raise BadDocument(f"{where} must be a whole number of at least {least}.")
    return int(cleaned)


def boolean(text: str, *, where: str) -> bool:
    if text.strip() not in ("true", "false", "1", "0"):
        raise BadDocument(f"{where} must be true or false.")
    return text.strip() in ("true", "1")
