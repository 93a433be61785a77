"""HIT layouts: an HTML page with fields, written ${name}, which each HIT fills in."""

import re
import xml.etree.ElementTree as ET

from annotator.sandbox.questions.documents import HTML_NAMESPACE
from annotator.sandbox.rules.refusals import bad_parameter

_FIELD = re.compile(r"\$\{([^{}\s]{1,128})\}")


def find_fields(content: str) -> list[str]:
    """The names of the fields, each once, in the page's order."""
    return list(dict.fromkeys(_FIELD.findall(content)))


def fill_in(content: str, given: dict[str, str], *, frame_height_px: int) -> str:
    """The page as an HTMLQuestion, with the values as they are given. Raises Refused if a field has none."""
    missing = [name for name in find_fields(content) if name not in given]
    if missing:
        raise bad_parameter(f"HITLayoutParameters must give a value for: {', '.join(missing)[:200]}.")
    root = ET.Element("HTMLQuestion", {"xmlns": HTML_NAMESPACE})
    ET.SubElement(root, "HTMLContent").text = _FIELD.sub(lambda field: given[field[1]], content)
    ET.SubElement(root, "FrameHeight").text = str(frame_height_px)
    return ET.tostring(root, encoding="unicode")
