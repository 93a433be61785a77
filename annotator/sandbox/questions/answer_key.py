"""AnswerKey: the score of a qualification test from a person's selections."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from annotator.sandbox.questions import safe_xml
from annotator.sandbox.questions.safe_xml import SCHEMAS, BadDocument
from annotator.sandbox.questions.structure import leaf, read_sequence

NAMESPACE = f"{SCHEMAS}/2005-10-01/AnswerKey.xsd"
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Scored:
    """One question: the score of each exact set of selections, and of any other set."""

    question: str
    options: tuple[tuple[frozenset[str], int], ...]
    default: int = 0


@dataclass(frozen=True)
class Range:
    low: int
    high: int
    value: int


@dataclass(frozen=True)
class AnswerKey:
    """At most one of the three mappings is set; without one the summed score is the value."""

    scored: tuple[Scored, ...]
    maximum: int | None = None
    multiplier: Decimal | None = None
    ranges: tuple[Range, ...] = ()
    out_of_range: int | None = None


def read_answer_key(text: str) -> AnswerKey:
    """Raises BadDocument."""
    root = safe_xml.parse(text)
    if root.tag != f"{{{NAMESPACE}}}AnswerKey":
        raise BadDocument(f"The root element is {root.tag}; it must be an AnswerKey in its namespace.")
    found = read_sequence(root, "Question+", "QualificationValueMapping?")
    scored = tuple(_read_question(element) for element in found["Question"])
    mapping = found["QualificationValueMapping"]
    return _read_mapping(mapping[0], scored) if mapping else AnswerKey(scored)


def _read_question(element: ET.Element) -> Scored:
    found = read_sequence(element, "QuestionIdentifier", "AnswerOption+", "DefaultScore?")
    options = []
    for option in found["AnswerOption"]:
        inside = read_sequence(option, "SelectionIdentifier+", "AnswerScore")
        chosen = frozenset(leaf(child).strip() for child in inside["SelectionIdentifier"])
        options.append((chosen, _whole(inside["AnswerScore"][0])))
    default = _whole(found["DefaultScore"][0]) if found["DefaultScore"] else 0
    return Scored(leaf(found["QuestionIdentifier"][0]).strip(), tuple(options), default)


def _read_mapping(element: ET.Element, scored: tuple[Scored, ...]) -> AnswerKey:
    if len(element) != 1:
        raise BadDocument("QualificationValueMapping contains one mapping.")
    mapping, kind = element[0], safe_xml.name(element[0])
    if kind == "PercentageMapping":
        maximum = _whole(read_sequence(mapping, "MaximumSummedScore")["MaximumSummedScore"][0])
        if maximum < 1:
            raise BadDocument("MaximumSummedScore must be at least 1.")
        return AnswerKey(scored, maximum=maximum)
    if kind == "ScaleMapping":
        factor = leaf(read_sequence(mapping, "SummedScoreMultiplier")["SummedScoreMultiplier"][0])
        return AnswerKey(scored, multiplier=_decimal(factor))
    if kind == "RangeMapping":
        found = read_sequence(mapping, "SummedScoreRange+", "OutOfRangeQualificationValue")
        ranges = tuple(_read_range(child) for child in found["SummedScoreRange"])
        return AnswerKey(scored, ranges=ranges, out_of_range=_whole(found["OutOfRangeQualificationValue"][0]))
    raise BadDocument(f"{kind} is not a mapping.")


def _read_range(element: ET.Element) -> Range:
    found = read_sequence(element, "InclusiveLowerBound", "InclusiveUpperBound", "QualificationValue")
    return Range(*(_whole(child) for (child,) in found.values()))


def _whole(element: ET.Element) -> int:
    value = _decimal(leaf(element))
    if value != value.to_integral_value() or abs(value) > _LARGEST:
        raise BadDocument(f"{safe_xml.name(element)} must be a whole number.")
    return int(value)


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise BadDocument(f"{text[:40]!r} is not a number.") from None
    if not value.is_finite() or abs(value.adjusted()) > 12:
        raise BadDocument(f"{text[:40]!r} is not a number that a score can have.")
    return value


def score(key: AnswerKey, selections: Mapping[str, frozenset[str]]) -> int:
    """The qualification's value for these selections by question; a question left out counts as none selected."""
    total = sum(_score_question(scored, selections.get(scored.question, frozenset())) for scored in key.scored)
    if key.maximum is not None:
        return _clamp(Decimal(100) * total / key.maximum)
    if key.multiplier is not None:
        return _clamp(total * key.multiplier)
    if key.out_of_range is not None:
        return next((r.value for r in key.ranges if r.low <= total <= r.high), key.out_of_range)
    return _clamp(Decimal(total))


def _score_question(scored: Scored, chosen: frozenset[str]) -> int:
    return next((points for wanted, points in scored.options if wanted == chosen), scored.default)


def _clamp(value: Decimal) -> int:
    whole = int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return max(-_LARGEST, min(_LARGEST, whole))
