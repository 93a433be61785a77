"""Asks a read-out about one photograph, and makes of the answer what commands and pages show."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotator.evidence import asking
from annotator.evidence.asking import AskedNetwork, Photograph
from annotator.evidence.models import Question
from annotator.evidence.units_behind import name_listed
from annotator.readouts.models import Readout
from annotator.refusals import Refusal
from annotator.units.models import Network

MAX_QUESTION = 300


class CannotShow(Refusal):
    """The read-out cannot be shown so; the message says what to change."""


@dataclass(frozen=True)
class ReadoutWanted:
    """What is asked of a read-out: as trying.Wanted, for questions about photographs that pages show.

    `question`: words, of read-outs that answer questions. `answer` is explained in place of the first one, `against`
    another one.
    """

    readout: Readout
    question: str = ""
    answer: str = ""
    against: str = ""

    @property
    def kind(self) -> str:
        return Question.Kind.READ

    @property
    def network(self) -> "Readout | Network":
        """Has architecture, weights, preprocessing and code folder."""
        return self.readout

    def options(self, *, in_full: bool = True) -> dict[str, Any]:
        """As the GPU process takes them. Raises CannotShow."""
        readout, words = self.readout, self.question.strip()
        if readout.state != Readout.State.FITTED:
            raise CannotShow(f"{readout.name} {readout.get_state_display()}: there is nothing to show yet.")
        if readout.takes_questions and not words:
            raise CannotShow(f"{readout.name} takes questions: type one.")
        if words and not readout.takes_questions:
            raise CannotShow(f"{readout.name} takes no question; leave it out.")
        if len(words) > MAX_QUESTION:
            raise CannotShow(f"A question has at most {MAX_QUESTION} characters.")
        return {
            "readout": str(readout.id), "question": words, "answer": self.answer, "against": self.against,
            **({"in_full": True} if in_full else {}),
        }  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What a read-out says of a photograph. What does not apply is None.

    `units` are those of largest share of the score, as `explain` names them; with `rest` and `bias` they sum to the
    score (of questions, to `image_score`). `words` say what each word adds, of captions also each word's `map`. `map`
    are rows of cells over the whole photograph, signed. `ranking`: the answers of highest score. `speaking`:
    by "words", "images" and "questions", those that speak most for the answer, with their scores.
    """

    prediction: str | float
    score: float
    image_score: float | None
    words: list[dict[str, Any]] | None
    units: list[dict[str, Any]]
    rest: float
    bias: float
    map: list[list[float]]
    against: str
    ranking: list[dict[str, Any]]
    notes: list[str]
    layer: str
    photograph: dict[str, int]
    speaking: dict[str, list[tuple[str, float]]]

    def to_json(self) -> dict[str, Any]:
        """What `readout show --json` prints; what does not apply is absent."""
        told: dict[str, Any] = {"prediction": self.prediction, "score": self.score}
        if self.image_score is not None:
            told["image_score"] = self.image_score
        if self.words is not None:
            told["words"] = [{"word": one["word"], "score": one["score"]} for one in self.words]
        return {**told, "units": self.units}


def ask_to_show(*, wanted: ReadoutWanted, photograph: Photograph, now: datetime) -> Question:
    """For a command: of a file. Pages ask through evidence.trying, which takes ReadoutWanted. Raises CannotShow."""
    readout = wanted.readout
    network = AskedNetwork(readout.architecture, readout.weights, readout.preprocessing, readout.code_folder)
    question = Question(kind=wanted.kind, options=wanted.options(in_full=False), asked_at=now)
    return asking.ask(question, network, now=now, photograph=photograph)


def read_shown(question: Question) -> Shown:
    """Of an answered question of the kind `read`, with the names of its units."""
    answer = question.answer
    units = name_listed(
        answer["units"], answer=answer, found={"layer": answer["layer"], "head": None}, question=question
    )  # fmt: skip
    optional = {name: answer.get(name) for name in ("image_score", "words")}
    names = ("prediction", "score", "rest", "bias", "map", "against", "ranking", "notes", "layer", "photograph")
    return Shown(units=units, **optional, speaking=answer.get("speaking", {}), **{name: answer[name] for name in names})
