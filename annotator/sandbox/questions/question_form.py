"""QuestionForm: MTurk's own form language, for HITs and qualification tests."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from annotator.sandbox.questions.safe_xml import SCHEMAS

NAMESPACES = (f"{SCHEMAS}/2005-10-01/QuestionForm.xsd", f"{SCHEMAS}/2017-11-06/QuestionForm.xsd")


@dataclass(frozen=True)
class QuestionForm:
    root: ET.Element


def read(root: ET.Element) -> QuestionForm:
    return QuestionForm(root)
