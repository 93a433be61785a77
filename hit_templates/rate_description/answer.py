"""An answer of one yes or no for each photograph: does one description hold on it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.crowd.hit_types.answers import BadAnswer, read_position, read_positions, write_percent
from annotator.crowd.hit_types.hit_type import JSON, AddsTo, Finding, HITType, ShownUnit, Sight, group_singly


@dataclass(frozen=True)
class Ratings:
    """Positions on the page, ascending; together they are all of them."""

    yes: tuple[int, ...]
    no: tuple[int, ...]


class RateDescription:
    n_units = 1
    asks_phrase = True
    adds_to: AddsTo = "metric"

    def group(self, n_chosen: int, *, seed: int) -> list[tuple[int, ...]]:
        return group_singly(n_chosen)

    def parse(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> Ratings:
        (unit,) = shown
        n_shown = len(unit.shown_ranks)
        yes, no = (read_positions(values.get(name), n_crops=n_shown, field="answers") for name in ("yes", "no"))
        if set(yes) & set(no):
            raise BadAnswer("One photograph has both answers: please choose one of them.", field="answers")
        if n_open := n_shown - len(yes) - len(no):
            raise BadAnswer("Please answer yes or no for every photograph: {n} to go.", field="answers", n=n_open)
        return Ratings(yes=yes, no=no)

    def clean_draft(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> JSON:
        (unit,) = shown
        return {name: _clean(values.get(name), n_shown=len(unit.shown_ranks)) for name in ("yes", "no")}

    def write_fields(self, answer: Ratings) -> dict[str, str]:
        return {name: " ".join(map(str, getattr(answer, name))) for name in ("yes", "no")}

    def read_fields(self, fields: Mapping[str, str]) -> JSON:
        return {
            name: [read_position(part, field="answers") for part in fields.get(name, "").split()]
            for name in ("yes", "no")
        }

    def score(self, answer: Ratings, shown: Sequence[ShownUnit]) -> list[Finding]:
        """`says` keeps the numbers of the photographs. Gold photographs, whose answer is known, have a metric apart."""
        (unit,) = shown
        yes = [unit.shown_ranks[position] for position in answer.yes]
        no = [unit.shown_ranks[position] for position in answer.no]
        asked = [number for number in unit.shown_ranks if number not in unit.gold]
        metrics = {"share_yes": len(set(yes) & set(asked)) / len(asked)} if asked else {}
        if unit.gold:
            n_right = sum(unit.gold[number] == (number in yes) for number in unit.gold)
            metrics["gold_right"] = n_right / len(unit.gold)
        says = {"phrase": unit.phrase, "yes": sorted(yes), "no": sorted(no)}
        return [Finding(unit.position, says=says, metrics=metrics)]

    def summarize(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        (finding,) = findings
        n_yes, n_no = len(finding.says.get("yes", ())), len(finding.says.get("no", ()))
        gold = finding.metrics.get("gold_right")
        answer = f"yes on {n_yes} of {n_yes + n_no} photographs"
        words = [("phrase", finding.says.get("phrase", "")), ("answer", answer)]
        return words if gold is None else [*words, ("gold", f"{write_percent(gold)} of known answers right")]

    def simulate(self, sights: Sequence[Sight]) -> JSON:
        (sight,) = sights
        found = {True: [], False: []}  # type: dict[bool, list[int]]
        for position, answer in enumerate(sight.answers):
            found[answer].append(position)
        return {"yes": found[True], "no": found[False]}


def _clean(value: object, *, n_shown: int) -> list[int]:
    positions = value if isinstance(value, list) else []
    return sorted({one for one in positions if type(one) is int and 0 <= one < n_shown})


HIT_TYPE: HITType[Ratings] = RateDescription()
