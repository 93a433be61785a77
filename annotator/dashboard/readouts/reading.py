"""What the page of a photograph that a read-out was asked about shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from annotator.dashboard.frame.numbers import read_number
from annotator.dashboard.trying.parts import Bar, Place, Share, UnitRow
from annotator.dashboard.trying.unit_rows import Asking, UnitRows
from annotator.evidence import trying
from annotator.evidence.models import Question
from annotator.evidence.units_behind import find_layer, find_network
from annotator.readouts.models import Readout
from annotator.readouts.showing import Shown, read_shown
from annotator.units.models import Layer, Network

N_RANKED = 10
SPEAKING = {"words": "Words", "images": "Photographs of the test", "questions": "Questions of the test"}


@dataclass(frozen=True)
class View:
    """What the address asks to be laid over the photograph in place of the answer's map: a word's map, or a unit's."""

    word: int | None = None
    unit: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "View":
        return cls(word=read_number(query.get("word", "")), unit=read_number(query.get("unit", "")))


@dataclass(frozen=True)
class WordRow(Bar):
    """A word and what it adds to the score; `link` lays its map over the photograph, "" if it has none."""

    place: int
    word: str
    link: str


@dataclass(frozen=True)
class Answer:
    """An answer of high score; of questions, what photograph and words add to it."""

    name: str
    score: float
    image_score: float | None

    @property
    def word_score(self) -> float | None:
        return None if self.image_score is None else self.score - self.image_score


@dataclass(frozen=True)
class Asked:
    """What else was asked of the read-out about the same photograph."""

    question: Question
    words: str
    shown: dict[str, Any]
    is_current: bool

    @property
    def word_score(self) -> float | None:
        image, score = self.shown.get("image_score"), self.shown.get("score")
        return None if image is None or score is None else score - image


class Reading:
    """An answered question to a read-out. Reads the database when something is first asked for."""

    def __init__(self, question: Question, readout: Readout | None, view: View) -> None:
        self.question, self.readout, self.view = question, readout, view
        self.shown: Shown = read_shown(question)
        self.asked_words = str(question.options.get("question", ""))

    @property
    def is_number(self) -> bool:
        """True if the prediction is a number, and its sign says something."""
        return not isinstance(self.shown.prediction, str)

    @property
    def word_score(self) -> float | None:
        """What all words of a question add."""
        return None if self.shown.image_score is None else self.shown.score - self.shown.image_score

    @property
    def of_units(self) -> float:
        """What units, rest and bias sum to."""
        return self.shown.score if self.shown.image_score is None else self.shown.image_score

    @property
    def seen(self) -> Place:
        return Place.of(self.question.answer["seen"], **self.shown.photograph)

    @cached_property
    def network(self) -> Network | None:
        return find_network(self.question.answer, self.question)

    @cached_property
    def layer(self) -> Layer | None:
        return find_layer(self.question.answer, self.network)

    @cached_property
    def rows(self) -> UnitRows:
        return UnitRows(layer=self.layer, path=self.shown.layer, find_wanted=self._list_wanted)

    def _list_wanted(self) -> set[int]:
        shown = {self.view.unit} if self.view.unit is not None else set()
        return {unit["index"] for unit in self.shown.units} | shown

    @property
    def shares(self) -> list[Share]:
        return self.rows.list_shares(self.shown.units)

    @property
    def asking(self) -> Asking | None:
        return self.rows.find_asking(self.shares)

    @property
    def words(self) -> list[WordRow]:
        found = self.shown.words or []
        largest = max((abs(one["score"]) for one in found), default=0.0) or 1.0
        return [
            WordRow(
                place=place,
                word=one["word"],
                value=one["score"],
                width=100 * abs(one["score"]) / largest,
                link=f"?{urlencode({'word': place})}#where" if "map" in one else "",
            )
            for place, one in enumerate(found)
        ]

    @property
    def shown_word(self) -> WordRow | None:
        return next((one for one in self.words if one.link and one.place == self.view.word), None)

    @property
    def shown_unit(self) -> UnitRow | None:
        return None if self.view.unit is None else self.rows.describe(self.view.unit)

    @property
    def answers(self) -> list[Answer]:
        return [
            Answer(one["answer"], one["score"], one.get("image_score")) for one in self.shown.ranking[:N_RANKED]
        ]  # fmt: skip

    @property
    def speaking(self) -> list[tuple[str, list[Any]]]:
        """What speaks most for the answer, with scores: words, and photographs and questions of the test."""
        found = self.question.answer.get("speaking") or {}
        return [(title, found[kind]) for kind, title in SPEAKING.items() if found.get(kind)]

    @cached_property
    def others(self) -> list[Asked]:
        """All that was asked of this read-out about the photograph and is answered, oldest first."""
        same = trying.list_same(self.question).filter(kind=Question.Kind.READ, state=Question.State.ANSWERED)
        return [
            Asked(one, str(one.options.get("question", "")), one.answer, one.pk == self.question.pk)
            for one in same
            if one.options.get("readout") == self.question.options.get("readout")
        ]


def find_map(answer: Mapping[str, Any], place: int | None) -> NDArray[np.float32] | None:
    """The map of the answer, or of one of its words; None if there is none."""
    if place is None:
        found = answer.get("map")
    else:
        words = answer.get("words") or []
        found = words[place].get("map") if place < len(words) else None
    return None if found is None else np.array(found, dtype=np.float32)
