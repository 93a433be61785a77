"""How many people say that a phrase fits a unit: the outcome of a verify_label campaign."""

from dataclasses import dataclass

from annotator.crowd.models import COUNTED, Answer, Campaign, HITUnit


@dataclass(frozen=True)
class PhraseVerdict:
    hit_unit: HITUnit
    n_yes: int
    n_answers: int

    @property
    def fits(self) -> bool | None:
        """The majority; None without one."""
        return None if 2 * self.n_yes == self.n_answers else 2 * self.n_yes > self.n_answers


def count_verdicts(campaign: Campaign) -> list[PhraseVerdict]:
    """One for each unit that was asked about, by layer and index; answers left out are not counted."""
    answers: dict[int, list[bool]] = {}
    counted = Answer.objects.filter(
        assignment__hit__campaign=campaign, assignment__state__in=COUNTED, assignment__is_left_out=False
    )
    for pk, fits in counted.filter(metrics__has_key="fits").values_list("hit_unit", "metrics__fits"):
        answers.setdefault(pk, []).append(bool(fits))
    units = HITUnit.objects.filter(hit__campaign=campaign).select_related("unit__layer")
    return [
        PhraseVerdict(hit_unit=unit, n_yes=sum(answers.get(unit.pk, [])), n_answers=len(answers.get(unit.pk, [])))
        for unit in units.order_by("unit__layer__position", "unit__index")
    ]
