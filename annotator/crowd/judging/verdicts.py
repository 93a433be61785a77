"""How many people say that a phrase fits a unit: the outcome of a verify_label campaign."""

from dataclasses import dataclass

from annotator.crowd.models import COUNTED, HIT, Assignment, Campaign


@dataclass(frozen=True)
class PhraseVerdict:
    hit: HIT
    n_yes: int
    n_answers: int

    @property
    def fits(self) -> bool | None:
        """The majority; None without one."""
        return None if 2 * self.n_yes == self.n_answers else 2 * self.n_yes > self.n_answers


def count_verdicts(campaign: Campaign) -> list[PhraseVerdict]:
    """One for each HIT, in the order of layer and unit; answers left out are not counted."""
    answers: dict[int, list[bool]] = {}
    counted = Assignment.objects.filter(hit__campaign=campaign, state__in=COUNTED, is_left_out=False)
    for hit_id, verdict in counted.exclude(verdict=None).values_list("hit_id", "verdict"):
        answers.setdefault(hit_id, []).append(bool(verdict))
    hits = campaign.hits.select_related("unit__layer").order_by("unit__layer__position", "unit__index")
    return [
        PhraseVerdict(hit=hit, n_yes=sum(answers.get(hit.pk, [])), n_answers=len(answers.get(hit.pk, [])))
        for hit in hits
    ]
