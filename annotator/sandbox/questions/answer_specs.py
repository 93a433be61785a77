"""AnswerSpecification: free text, a choice, or a file, with a requester's limits, and the check of an answer."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from annotator.sandbox.questions import formatted
from annotator.sandbox.questions.safe_xml import BadDocument, name
from annotator.sandbox.questions.structure import leaf, read_binary, read_sequence, whole_number
from workers.engine.plurals import say_count

STYLES = ("radiobutton", "dropdown", "checkbox", "list", "combobox", "multichooser")
# A file is stored in the database, so it must be small, whatever the requester allows.
MAX_FILE_BYTES = 5_000_000


@dataclass(frozen=True)
class Format:
    """A regular expression. The browser checks it, as at Amazon; it never runs on this server."""

    regex: str
    error_text: str
    flags: str


@dataclass(frozen=True)
class FreeText:
    min_length: int = 0
    max_length: int | None = None
    is_numeric: bool = False
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    formats: tuple[Format, ...] = ()
    default: str = ""
    n_lines: int = 1


@dataclass(frozen=True)
class Selection:
    """`html` is safe to show as it is; `picture` an address."""

    identifier: str
    text: str = ""
    html: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Choice:
    selections: tuple[Selection, ...]
    min_count: int = 1
    max_count: int = 1
    style: str = "radiobutton"
    other: FreeText | None = None


@dataclass(frozen=True)
class FileUpload:
    min_bytes: int
    max_bytes: int


AnswerSpec = FreeText | Choice | FileUpload


def read_answer_spec(element: ET.Element) -> AnswerSpec:
    if len(element) != 1:
        raise BadDocument("An AnswerSpecification contains one kind of answer.")
    kind = name(element[0])
    if kind == "FreeTextAnswer":
        return _read_free_text(element[0])
    if kind == "SelectionAnswer":
        return _read_choice(element[0])
    if kind == "FileUploadAnswer":
        return _read_upload(element[0])
    raise BadDocument(f"{kind} is not a kind of answer.")


def _read_free_text(element: ET.Element) -> FreeText:
    found = read_sequence(element, "Constraints?", "DefaultText?", "NumberOfLinesSuggestion?")
    bounds = _read_constraints(found["Constraints"][0]) if found["Constraints"] else FreeText()
    lines = [
        whole_number(leaf(child), where="NumberOfLinesSuggestion", least=1)
        for child in found["NumberOfLinesSuggestion"]
    ]
    default = "".join(leaf(child) for child in found["DefaultText"])
    return replace(bounds, default=default, n_lines=min([*lines, 40]) if lines else 1)


def _read_constraints(element: ET.Element) -> FreeText:
    found = read_sequence(element, "IsNumeric?", "Length?", "AnswerFormatRegex*")
    length = found["Length"][0].attrib if found["Length"] else {}
    numeric = found["IsNumeric"][0].attrib if found["IsNumeric"] else {}
    return FreeText(
        min_length=whole_number(length.get("minLength", "0"), where="minLength"),
        max_length=whole_number(length["maxLength"], where="maxLength", least=1) if "maxLength" in length else None,
        is_numeric=bool(found["IsNumeric"]),
        min_value=_number(numeric["minValue"]) if "minValue" in numeric else None,
        max_value=_number(numeric["maxValue"]) if "maxValue" in numeric else None,
        formats=tuple(_read_format(child) for child in found["AnswerFormatRegex"]),
    )


def _read_format(element: ET.Element) -> Format:
    regex, flags = element.get("regex", ""), element.get("flags", "")
    if not regex or not re.fullmatch("[imsx]*", flags):
        raise BadDocument("AnswerFormatRegex needs a regex, and flags from i, m, s, x at most.")
    return Format(regex, element.get("errorText", ""), flags.replace("x", ""))


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise BadDocument(f"{text[:40]!r} is not a number.") from None
    if not value.is_finite():
        raise BadDocument(f"{text[:40]!r} is not a number.")
    return value


def _read_choice(element: ET.Element) -> Choice:
    found = read_sequence(element, "MinSelectionCount?", "MaxSelectionCount?", "StyleSuggestion?", "Selections")
    inside = read_sequence(found["Selections"][0], "Selection+", "OtherSelection?")
    selections = tuple(_read_selection(child) for child in inside["Selection"])
    if len({selection.identifier for selection in selections}) < len(selections):
        raise BadDocument("Two selections of a question have the same SelectionIdentifier.")
    style = leaf(found["StyleSuggestion"][0]).strip() if found["StyleSuggestion"] else "radiobutton"
    if style not in STYLES:
        raise BadDocument(f"StyleSuggestion must be one of {', '.join(STYLES)}.")
    least = [whole_number(leaf(child), where="MinSelectionCount") for child in found["MinSelectionCount"]]
    most = [whole_number(leaf(child), where="MaxSelectionCount", least=1) for child in found["MaxSelectionCount"]]
    many = len(selections) if style in ("checkbox", "multichooser") else 1
    choice = Choice(
        selections, (least or [1])[0], (most or [many])[0], style,
        _read_free_text(inside["OtherSelection"][0]) if inside["OtherSelection"] else None,
    )  # fmt: skip
    if choice.min_count > choice.max_count:
        raise BadDocument("MinSelectionCount is greater than MaxSelectionCount.")
    return choice


def _read_selection(element: ET.Element) -> Selection:
    if len(element) != 2 or name(element[0]) != "SelectionIdentifier":
        raise BadDocument("A Selection has a SelectionIdentifier and one Text, FormattedContent or Binary.")
    identifier, content, kind = leaf(element[0]).strip(), element[1], name(element[1])
    if not identifier:
        raise BadDocument("A SelectionIdentifier is empty.")
    if kind == "Text":
        return Selection(identifier, text=leaf(content))
    if kind == "FormattedContent":
        return Selection(identifier, html=formatted.to_html(leaf(content)))
    if kind == "Binary":
        _, address, text = read_binary(content)
        return Selection(identifier, text=text, picture=address)
    raise BadDocument(f"{kind} cannot stand in a Selection.")


def _read_upload(element: ET.Element) -> FileUpload:
    found = read_sequence(element, "MaxFileSizeInBytes", "MinFileSizeInBytes")
    most, least = (leaf(found[tag][0]) for tag in ("MaxFileSizeInBytes", "MinFileSizeInBytes"))
    return FileUpload(
        whole_number(least, where="MinFileSizeInBytes"), whole_number(most, where="MaxFileSizeInBytes", least=1)
    )


def find_text_problem(spec: FreeText, text: str) -> str:
    """What is wrong with a text, as a phrase; empty if nothing is."""
    if len(text) < spec.min_length:
        return f"write at least {say_count(spec.min_length, 'character')}"
    if spec.max_length is not None and len(text) > spec.max_length:
        return f"write at most {say_count(spec.max_length, 'character')}"
    if not spec.is_numeric:
        return ""
    try:
        value = _number(text)
    except BadDocument:
        return "write a number"
    too_small = spec.min_value is not None and value < spec.min_value
    too_large = spec.max_value is not None and value > spec.max_value
    if too_small or too_large:
        return f"write a number between {spec.min_value} and {spec.max_value}"
    return ""
