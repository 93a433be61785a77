"""An answer of one choice: which of two photographs does the unit respond to, and how sure is the person?

The last section of the question holds the two; of its photographs that is right whose gold answer is yes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.hit_types.hit_type import JSON, AddsTo, Finding, HITType, ShownUnit, Sight, group_singly

CHOICES = ("first", "second")
SURE = {"1": "a guess", "2": "fairly sure", "3": "sure"}
CONFIDENCES = tuple(SURE)  # a list or an object that a page sends is in no tuple; a dict cannot look it up


@dataclass(frozen=True)
class Choice:
    """`place`: 0 or 1, of the two as they stand on the page. `confidence`: 1 to 3."""

    place: int
    confidence: int


class TwoChoice:
    n_units = 1
    asks_phrase = False
    adds_to: AddsTo = "metric"

    def group(self, n_chosen: int, *, seed: int) -> list[tuple[int, ...]]:
        return group_singly(n_chosen)

    def parse(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> Choice:
        if values.get("chosen") not in CHOICES:
            raise BadAnswer("Please choose one of the two photographs.", field="chosen")
        if values.get("confidence") not in CONFIDENCES:
            raise BadAnswer("Please say how sure you are.", field="confidence")
        return Choice(CHOICES.index(values["chosen"]), int(values["confidence"]))

    def clean_draft(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> JSON:
        chosen, confidence = values.get("chosen"), values.get("confidence")
        return {
            "chosen": chosen if chosen in CHOICES else "",
            "confidence": confidence if confidence in CONFIDENCES else "",
        }

    def write_fields(self, answer: Choice) -> dict[str, str]:
        return {"chosen": CHOICES[answer.place], "confidence": str(answer.confidence)}

    def read_fields(self, fields: Mapping[str, str]) -> JSON:
        return {name: fields.get(name) for name in ("chosen", "confidence")}

    def score(self, answer: Choice, shown: Sequence[ShownUnit]) -> list[Finding]:
        """Catch trials, whose answer is in view, have a metric of their own, so that they raise no unit's share."""
        (unit,) = shown
        number = unit.shown_ranks[-2:][answer.place]
        is_catch = bool(unit.facts.get("is_catch"))
        says = {"chosen": number, "confidence": answer.confidence, "is_catch": is_catch}
        metrics = {"confidence": float(answer.confidence)}
        if number in unit.gold:
            metrics["catch_right" if is_catch else "right"] = float(unit.gold[number])
        return [Finding(unit.position, says=says, metrics=metrics)]

    def summarize(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        (finding,) = findings
        right = finding.metrics.get("right", finding.metrics.get("catch_right"))
        kind = "catch trial: " if finding.says.get("is_catch") else ""
        outcome = {1.0: "right", 0.0: "wrong", None: "answer not known"}[right]
        return [("answer", f"{kind}{outcome}"), ("confidence", SURE[str(finding.says.get("confidence", 1))])]

    def simulate(self, sights: Sequence[Sight]) -> JSON:
        (sight,) = sights
        first, second = sight.answers[-2:]
        return {
            "chosen": CHOICES[0] if first or not second else CHOICES[1],
            "confidence": "3" if first != second else "1",
        }


HIT_TYPE: HITType[Choice] = TwoChoice()
