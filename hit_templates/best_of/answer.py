"""An answer about several descriptions of one unit: which fits its photographs best, or how well each of them fits.

If the question's facts say `is_graded`, each description gets a grade from 1 to 5; else one of them is chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.hit_types.hit_type import JSON, AddsTo, Finding, HITType, ShownUnit, Sight, group_singly

GRADES = range(1, 6)


@dataclass(frozen=True)
class Judgement:
    """`best`: a place on the page, or None if there are `grades`: one for each description, in the page's order."""

    best: int | None
    grades: tuple[int, ...] = ()


class BestOf:
    n_units = 1
    asks_phrase = True
    adds_to: AddsTo = "metric"

    def group(self, n_chosen: int, *, seed: int) -> list[tuple[int, ...]]:
        return group_singly(n_chosen)

    def parse(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> Judgement:
        (unit,) = shown
        judged, n_texts = self.clean_draft(values, shown)["judged"], len(unit.texts)
        if unit.facts.get("is_graded"):
            n_open = len(set(range(n_texts)) - {mark // 10 for mark in judged})
            if n_open:
                raise BadAnswer("Please grade every description: {n} to go.", field="judged", n=n_open)
            if len(judged) > n_texts:
                raise BadAnswer("One description has two grades: please choose one of them.", field="judged")
            return Judgement(best=None, grades=tuple(mark % 10 for mark in judged))
        if len(judged) != 1:
            raise BadAnswer("Please choose the description that fits best.", field="judged")
        return Judgement(best=judged[0])

    def clean_draft(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> JSON:
        """`judged`: the chosen place; or, graded, 10 x place + grade for each description. Two of one place, which two
        tabs may have sent, stay until the person has chosen.
        """
        (unit,) = shown
        given = values.get("judged")
        marks = {mark for mark in given if type(mark) is int} if isinstance(given, list) else set()
        places = range(len(unit.texts))
        if unit.facts.get("is_graded"):
            return {"judged": sorted(marks & {10 * place + grade for place in places for grade in GRADES})}
        return {"judged": sorted(marks & set(places))}

    def write_fields(self, answer: Judgement) -> dict[str, str]:
        marks = (
            [answer.best] if answer.best is not None else [10 * at + grade for at, grade in enumerate(answer.grades)]
        )
        return {"judged": " ".join(map(str, marks))}

    def read_fields(self, fields: Mapping[str, str]) -> JSON:
        marks = fields.get("judged", "").split()
        if not all(mark.isascii() and mark.isdigit() and len(mark) <= 4 for mark in marks):
            raise BadAnswer("The marketplace's answer names a description that was not shown.", field="judged")
        return {"judged": [int(mark) for mark in marks]}

    def score(self, answer: Judgement, shown: Sequence[ShownUnit]) -> list[Finding]:
        """`says` names descriptions by their own numbers, whatever their order on the page."""
        (unit,) = shown
        if answer.best is not None:
            best = unit.text_numbers[answer.best]
            return [Finding(unit.position, says={"best": best, "text": unit.texts[answer.best]})]
        grades = dict(zip(unit.text_numbers, answer.grades, strict=True))
        in_order = [grades[number] for number in sorted(grades)]
        return [
            Finding(unit.position, says={"grades": in_order}, metrics={"mean_grade": sum(in_order) / len(in_order)})
        ]

    def summarize(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        (finding,) = findings
        if "grades" in finding.says:
            return [("answer", "grades " + ", ".join(map(str, finding.says["grades"])))]
        return [("answer", f"fits best: {finding.says.get('text', '')}")]

    def simulate(self, sights: Sequence[Sight]) -> JSON:
        """Of a page that asks for grades, all of them; of another one, the best."""
        (sight,) = sights
        shares = sight.text_shares
        if sight.asks_grades:
            return {"judged": [10 * at + 1 + round(4 * share) for at, share in enumerate(shares)]}
        return {"judged": [max(range(len(shares)), key=shares.__getitem__)] if shares else []}


HIT_TYPE: HITType[Judgement] = BestOf()
