"""Untrusted XML: no DTD, no entities; size, depth and number of elements are limited while it is read."""

import xml.etree.ElementTree as ET

import defusedxml
from defusedxml.ElementTree import DefusedXMLParser

MAX_BYTES = 65_535
DEEPEST = 64
MAX_ELEMENTS = 5_000
MAX_ATTRIBUTES = 50
SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"


class BadDocument(Exception):
    """The document is not well-formed or not of the published structure; the message says where."""


class _Bounded(ET.TreeBuilder):
    """Builds the tree and stops at the first element over a limit."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.n_elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        self.depth += 1
        self.n_elements += 1
        if self.depth > DEEPEST:
            raise BadDocument(f"Elements are nested more than {DEEPEST} deep.")
        if self.n_elements > MAX_ELEMENTS or len(attrs) > MAX_ATTRIBUTES:
            raise BadDocument(f"There are more than {MAX_ELEMENTS} elements, or {MAX_ATTRIBUTES} attributes at one.")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self.depth -= 1
        return super().end(tag)


def parse(text: str) -> ET.Element:
    """The root element. Raises BadDocument."""
    document = text.strip().encode()
    if len(document) > MAX_BYTES:
        raise BadDocument(f"It is longer than {MAX_BYTES} bytes.")
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        parser.feed(document)
        root = parser.close()
    except defusedxml.DefusedXmlException as error:
        raise BadDocument("It declares a document type or an entity, which is not allowed.") from error
    except (ET.ParseError, ValueError, LookupError) as error:
        raise BadDocument(str(error)) from error
    assert isinstance(root, ET.Element)
    return root


def name(element: ET.Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def namespace(element: ET.Element) -> str:
    return element.tag.rpartition("}")[0].lstrip("{")
