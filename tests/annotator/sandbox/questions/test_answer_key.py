"""The score of a test, by hand-written tables."""

import pytest

from annotator.sandbox.questions.answer_key import NAMESPACE, read_answer_key, score
from annotator.sandbox.questions.safe_xml import BadDocument

QUESTIONS = """
<Question><QuestionIdentifier>move</QuestionIdentifier>
  <AnswerOption><SelectionIdentifier>D</SelectionIdentifier><AnswerScore>5</AnswerScore></AnswerOption></Question>
<Question><QuestionIdentifier>fruit</QuestionIdentifier>
  <AnswerOption><SelectionIdentifier>apple</SelectionIdentifier><SelectionIdentifier>pear</SelectionIdentifier>
    <AnswerScore>10</AnswerScore></AnswerOption>
  <AnswerOption><SelectionIdentifier>apple</SelectionIdentifier><AnswerScore>4</AnswerScore></AnswerOption>
  <DefaultScore>-2</DefaultScore></Question>
"""
PERCENTAGE = "<PercentageMapping><MaximumSummedScore>15</MaximumSummedScore></PercentageMapping>"
SCALE = "<ScaleMapping><SummedScoreMultiplier>2.5</SummedScoreMultiplier></ScaleMapping>"
RANGE = (
    "<RangeMapping><SummedScoreRange><InclusiveLowerBound>5</InclusiveLowerBound><InclusiveUpperBound>9"
    "</InclusiveUpperBound><QualificationValue>1</QualificationValue></SummedScoreRange>"
    "<OutOfRangeQualificationValue>0</OutOfRangeQualificationValue></RangeMapping>"
)


def _key(mapping: str = "") -> str:
    wrapped = f"<QualificationValueMapping>{mapping}</QualificationValueMapping>" if mapping else ""
    return f'<AnswerKey xmlns="{NAMESPACE}">{QUESTIONS}{wrapped}</AnswerKey>'


@pytest.mark.parametrize(
    ("move", "fruit", "summed", "percent", "scaled", "ranged"),
    [
        ({"D"}, {"apple", "pear"}, 15, 100, 38, 0),
        ({"D"}, {"apple"}, 9, 60, 23, 1),
        ({"D"}, {"plum"}, 3, 20, 8, 0),
        ({"A"}, {"apple"}, 4, 27, 10, 0),
        ({"D", "A"}, set(), -2, -13, -5, 0),
    ],
)
def test_scores(move: set[str], fruit: set[str], summed: int, percent: int, scaled: int, ranged: int) -> None:
    chosen = {"move": frozenset(move), "fruit": frozenset(fruit)}
    for mapping, wanted in (("", summed), (PERCENTAGE, percent), (SCALE, scaled), (RANGE, ranged)):
        assert score(read_answer_key(_key(mapping)), chosen) == wanted


@pytest.mark.parametrize(
    "document",
    [
        "<AnswerKey/>",
        _key(PERCENTAGE.replace("15", "0")),
        _key(SCALE.replace("2.5", "NaN")),
        _key(RANGE + RANGE),
        _key().replace("<AnswerScore>5</AnswerScore>", "<AnswerScore>5.5</AnswerScore>"),
        _key().replace("<AnswerScore>5</AnswerScore>", ""),
    ],
)
def test_what_is_no_answer_key_is_refused(document: str) -> None:
    with pytest.raises(BadDocument):
        read_answer_key(document)
