"""Two units side by side and one phrase: whose crops does the phrase fit better?"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.hit_types.hit_type import JSON, AddsTo, Finding, HITType, ShownUnit, Sight

NAMES = ("left", "right")


class PairChoice:
    """An answer is the position of the chosen unit."""

    n_units = 2
    asks_phrase = True
    adds_to: AddsTo = "metric"

    def group(self, n_chosen: int, *, seed: int) -> list[tuple[int, ...]]:
        return [(first, first + 1) for first in range(0, n_chosen - 1, 2)]

    def parse(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> int:
        if values.get("chosen") not in NAMES:
            raise BadAnswer("Please choose one of the two groups.", field="chosen")
        return NAMES.index(values["chosen"])

    def clean_draft(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> JSON:
        return {}

    def write_fields(self, answer: int) -> dict[str, str]:
        return {"chosen": NAMES[answer]}

    def read_fields(self, fields: Mapping[str, str]) -> JSON:
        return {"chosen": fields.get("chosen")}

    def score(self, answer: int, shown: Sequence[ShownUnit]) -> list[Finding]:
        return [
            Finding(unit.position, says={"phrase": shown[0].phrase}, metrics={"chosen": float(unit.position == answer)})
            for unit in shown
        ]

    def summarize(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        chosen = next(finding for finding in findings if finding.metrics["chosen"])
        return [("phrase", chosen.says["phrase"]), ("chosen", f"the {NAMES[chosen.position]} group")]

    def simulate(self, sights: Sequence[Sight]) -> JSON:
        return {"chosen": "left" if sights[0].share_fitting >= sights[1].share_fitting else "right"}


HIT_TYPE: HITType[int] = PairChoice()
