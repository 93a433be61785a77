"""What people said of phrases and photographs, counted per unit: the outcome of campaigns that make no labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from annotator.crowd.models import COUNTED, Answer, Campaign, HITUnit
from annotator.units.models import Unit


@dataclass(frozen=True)
class PhraseVerdict:
    hit_unit: HITUnit
    n_yes: int
    n_answers: int

    @property
    def fits(self) -> bool | None:
        """The majority; None without one."""
        return None if 2 * self.n_yes == self.n_answers else 2 * self.n_yes > self.n_answers


@dataclass(frozen=True)
class Outcome:
    """What was said of a unit, or of one of its descriptions. `said` is a phrase such as `7 of 9 right`."""

    unit: Unit
    text: str
    said: str


def count_verdicts(campaign: Campaign) -> list[PhraseVerdict]:
    """One for each unit that was asked about, by layer and index; answers left out are not counted."""
    answers: dict[int, list[bool]] = {}
    for pk, fits in _count(campaign, "metrics__fits").items():
        answers[pk] = [bool(one) for one in fits]
    return [
        PhraseVerdict(hit_unit=unit, n_yes=sum(answers.get(unit.pk, [])), n_answers=len(answers.get(unit.pk, [])))
        for unit in _list_asked(campaign)
    ]


def tell_choices(campaign: Campaign) -> Iterator[Outcome]:
    """Of `two_choice`: how many chose the photograph that activates each unit, and how many catch trials were right."""
    right, caught = _count(campaign, "metrics__right"), _count(campaign, "metrics__catch_right")
    for one in _list_asked(campaign):
        for text, answers in (("", right.get(one.pk)), ("catch trial", caught.get(one.pk))):
            if answers:
                yield Outcome(one.unit, text, f"{round(sum(answers))} of {len(answers)} right")


def tell_best(campaign: Campaign) -> Iterator[Outcome]:
    """Of `best_of`: for how many people each description fits best, or its mean grade, 1 to 5."""
    best, grades = _count(campaign, "says__best"), _count(campaign, "says__grades")
    for one in _list_asked(campaign):
        for number, text in enumerate(one.texts):
            if chosen := best.get(one.pk):
                yield Outcome(one.unit, text, f"best for {chosen.count(number)} of {len(chosen)}")
            if graded := [row[number] for row in grades.get(one.pk, ())]:
                yield Outcome(one.unit, text, f"mean grade {sum(graded) / len(graded):.2f} by {len(graded)}")


def _count(campaign: Campaign, field: str) -> dict[int, list[Any]]:
    """By the unit of a HIT: that value of each counted answer that has it."""
    counted = Answer.objects.filter(
        assignment__hit__campaign=campaign, assignment__state__in=COUNTED, assignment__is_left_out=False
    )
    column, name = field.split("__")
    found: dict[int, list[Any]] = {}
    for pk, value in counted.filter(**{f"{column}__has_key": name}).order_by("pk").values_list("hit_unit", field):
        found.setdefault(pk, []).append(value)
    return found


def _list_asked(campaign: Campaign) -> Iterator[HITUnit]:
    units = HITUnit.objects.filter(hit__campaign=campaign).select_related("unit__layer__network")
    yield from units.order_by("unit__layer__position", "unit__index", "pk")
