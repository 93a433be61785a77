"""An answer of one yes or no: does the HIT's phrase fit most of the unit's crops?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.hit_types.hit_type import JSON, AddsTo, Finding, HITType, ShownUnit, Sight, group_singly


@dataclass(frozen=True)
class Verdict:
    fits: bool


class VerifyLabel:
    n_units = 1
    asks_phrase = True
    adds_to: AddsTo = "metric"

    def group(self, n_chosen: int, *, seed: int) -> list[tuple[int, ...]]:
        return group_singly(n_chosen)

    def parse(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> Verdict:
        verdict = values.get("verdict")
        if verdict not in ("yes", "no"):
            raise BadAnswer("Please answer yes or no.", field="verdict")
        return Verdict(fits=verdict == "yes")

    def clean_draft(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> JSON:
        return {"verdict": values.get("verdict") if values.get("verdict") in ("yes", "no") else ""}

    def write_fields(self, answer: Verdict) -> dict[str, str]:
        return {"verdict": "yes" if answer.fits else "no"}

    def read_fields(self, fields: Mapping[str, str]) -> JSON:
        return {"verdict": fields.get("verdict")}

    def score(self, answer: Verdict, shown: Sequence[ShownUnit]) -> list[Finding]:
        (unit,) = shown
        return [Finding(unit.position, says={"phrase": unit.phrase}, metrics={"fits": float(answer.fits)})]

    def summarize(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        (finding,) = findings
        answer = "fits most crops" if finding.metrics["fits"] else "does not fit most crops"
        return [("phrase", finding.says.get("phrase", "")), ("answer", answer)]

    def simulate(self, sights: Sequence[Sight]) -> JSON:
        (sight,) = sights
        return {"verdict": "yes" if sight.share_fitting > 0.5 else "no"}


HIT_TYPE: HITType[Verdict] = VerifyLabel()
