"""The screening test of a HIT type: its `screening.toml` as the QuestionForm and AnswerKey that marketplaces take."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from annotator.crowd.hit_types.templates import TEMPLATES, BadTemplate

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01"


@dataclass(frozen=True)
class Question:
    ask: str
    choices: tuple[str, ...]
    right: int


@dataclass(frozen=True)
class Screening:
    """`name` changes with the questions, so that who passed another test is not taken to have passed this one."""

    name: str
    minutes: int
    questions: tuple[Question, ...]

    @property
    def form(self) -> str:
        questions = "".join(_render_question(number, row) for number, row in enumerate(self.questions, start=1))
        return f'<QuestionForm xmlns="{_SCHEMAS}/QuestionForm.xsd">{questions}</QuestionForm>'

    @property
    def key(self) -> str:
        """A point for each right answer, mapped to percent."""
        answers = "".join(
            f"<Question><QuestionIdentifier>q{number}</QuestionIdentifier><AnswerOption><SelectionIdentifier>"
            f"c{row.right}</SelectionIdentifier><AnswerScore>1</AnswerScore></AnswerOption></Question>"
            for number, row in enumerate(self.questions, start=1)
        )
        mapping = (
            f"<PercentageMapping><MaximumSummedScore>{len(self.questions)}</MaximumSummedScore></PercentageMapping>"
        )
        return (
            f'<AnswerKey xmlns="{_SCHEMAS}/AnswerKey.xsd">{answers}'
            f"<QualificationValueMapping>{mapping}</QualificationValueMapping></AnswerKey>"
        )


def load_screening(template: str) -> Screening:
    path = TEMPLATES / template / "screening.toml"
    try:
        content = path.read_bytes()
        fields = tomllib.loads(content.decode())
        questions = tuple(_read_question(row) for row in fields["questions"])
        minutes = int(fields["minutes"])
    except FileNotFoundError:
        raise BadTemplate(f"hit_templates/{template} has no screening test.") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadTemplate(f"hit_templates/{template}/screening.toml: {error}.") from None
    digest = hashlib.sha256(content).hexdigest()[:8]
    return Screening(name=f"Screening test {template} {digest}", minutes=minutes, questions=questions)


def _read_question(row: dict[str, object]) -> Question:
    choices = row["choices"]
    right = int(str(row["right"]))
    if not isinstance(choices, list) or not 0 <= right < len(choices):
        raise ValueError(f"{row['ask']!r} has no choice {right}")
    return Question(ask=str(row["ask"]), choices=tuple(str(choice) for choice in choices), right=right)


def _render_question(number: int, question: Question) -> str:
    return (
        f"<Question><QuestionIdentifier>q{number}</QuestionIdentifier><IsRequired>true</IsRequired><QuestionContent>"
        f"<Text>{escape(question.ask)}</Text></QuestionContent><AnswerSpecification><SelectionAnswer>"
        f"<StyleSuggestion>radiobutton</StyleSuggestion><Selections>{_render_choices(question.choices)}</Selections>"
        "</SelectionAnswer></AnswerSpecification></Question>"
    )


def _render_choices(choices: Sequence[str]) -> str:
    return "".join(
        f"<Selection><SelectionIdentifier>c{place}</SelectionIdentifier><Text>{escape(choice)}</Text></Selection>"
        for place, choice in enumerate(choices)
    )
