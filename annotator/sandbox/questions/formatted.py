"""FormattedContent: the subset of XHTML that a requester may use in a form, made safe to show."""

import xml.etree.ElementTree as ET

from annotator.sandbox.questions import safe_xml
from annotator.sandbox.questions.safe_xml import BadDocument
from annotator.sandbox.questions.structure import split_web_address

_TAGS = """
    a abbr b big blockquote br caption center cite code col colgroup dd del dfn div dl dt em font h1 h2 h3 h4 h5
    h6 hr i img ins kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr
    tt u ul var
"""
_ATTRIBUTES = """
    align alt border cellpadding cellspacing cite color colspan dir face height href lang rowspan size span src
    start title type valign value width
"""
_ADDRESSES = ("href", "src", "cite")
_KNOWN_TAGS, _KNOWN_ATTRIBUTES = frozenset(_TAGS.split()), frozenset(_ATTRIBUTES.split())


def to_html(markup: str) -> str:
    """The markup as safe HTML: well-formed, known tags and attributes only, web addresses only. Raises BadDocument."""
    try:
        # &nbsp; is the most common entity of XHTML, and plain XML does not define it.
        root = safe_xml.parse(f"<div>{markup.replace('&nbsp;', chr(0xA0))}</div>")
    except BadDocument as error:
        raise BadDocument(f"FormattedContent is not well-formed XHTML: {error}") from error
    for element in root.iter():
        if element.tag not in _KNOWN_TAGS:
            raise BadDocument(f"FormattedContent may not contain <{element.tag}>.")
        for attribute, value in element.attrib.items():
            if attribute not in _KNOWN_ATTRIBUTES:
                raise BadDocument(f"FormattedContent may not use the attribute {attribute}.")
            if attribute in _ADDRESSES and split_web_address(value) is None:
                raise BadDocument(
                    f"An address in FormattedContent must begin with http:// or https://, not {value[:40]!r}."
                )
    for link in root.iter("a"):
        link.set("target", "_blank")
        link.set("rel", "noopener noreferrer")
    return ET.tostring(root, encoding="unicode", method="html")
