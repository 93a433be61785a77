"""Asks for more answers about units on which people disagree. Deciding is here, spending in `crowd`.

The category is settled when its answers lead all others together by two: two of two, three of four. One voice more
could not turn that. The concept is settled when two people said the same.
"""

from dataclasses import dataclass, fields
from decimal import Decimal

from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.marketplaces.prices import compute_hit_cost
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, Campaign, HITUnit
from annotator.crowd.outbox.session import Session
from annotator.labels.models import UnitLabel
from annotator.refusals import Refusal

LEAD = 2
SAME_WORDS = 2


class CannotExtend(Refusal):
    """The campaign asks a fixed number of people, or has no labels to judge by."""


@dataclass(frozen=True)
class Saving:
    """The assignments that were asked for, and those that a fixed number per unit would have taken."""

    n_asked: int
    n_fixed: int
    saved_usd: Decimal

    @property
    def share(self) -> float:
        return 1 - self.n_asked / self.n_fixed if self.n_fixed else 0.0


@dataclass(frozen=True)
class Standing:
    """The answers about one unit so far."""

    n_answers: int
    n_same_category: int
    n_same_concept: int
    precision_low: float
    precision_high: float


def decide_extensions(*, campaign: Campaign, widest: float | None) -> dict[int, str]:
    """One more assignment for each complete HIT whose label leaves a doubt, up to the campaign's maximum.

    By HIT row: why it gets one.
    """
    if campaign.max_assignments is None:
        raise CannotExtend(f"The campaign {campaign} asks a fixed number of people; launch with --max-assignments.")
    labels = {label.unit_id: label for label in UnitLabel.objects.filter(campaign=campaign)}
    if not labels:
        raise CannotExtend(f"The campaign {campaign} has no labels yet; label it first.")
    complete = campaign.hits.filter(state=HIT.State.COMPLETE, n_assignments__lt=campaign.max_assignments)
    reasons: dict[int, str] = {}
    asked = HITUnit.objects.filter(hit__in=complete, unit__in=labels).order_by("hit_id", "position")
    silent = set(
        asked.exclude(dissected_unit__silence="").exclude(dissected_unit=None).values_list("hit_id", flat=True)
    )
    asked = asked.exclude(hit__in=silent)
    for row in asked:
        if doubt := find_doubt(_stand(labels[row.unit_id]), widest=widest):
            reasons.setdefault(row.hit_id, doubt)
    return reasons


def extend_campaign(session: Session, *, widest: float | None) -> dict[int, str]:
    """Decides and acts; the budget cap holds. By HIT row: why it got one assignment more."""
    reasons = decide_extensions(campaign=session.campaign, widest=widest)
    if reasons:
        extend_hits(session, n_more=dict.fromkeys(reasons, 1))
    return reasons


def find_saving(campaign: Campaign) -> Saving:
    """Against asking the campaign's maximum of people about every unit."""
    counts = list(campaign.hits.exclude(state=HIT.State.CANCELED).values_list("n_assignments", flat=True))
    most = campaign.max_assignments or campaign.n_assignments
    fees = open_marketplace(campaign.marketplace).facts.fees
    each = compute_hit_cost(reward_usd=campaign.reward_usd, n_assignments=1, fees=fees)
    n_fixed = most * len(counts)
    return Saving(n_asked=sum(counts), n_fixed=n_fixed, saved_usd=(n_fixed - sum(counts)) * each)


def find_doubt(standing: Standing, *, widest: float | None) -> str | None:
    """The doubt in words, or None. `widest`: the widest 95 % interval of precision that is good enough."""
    n_other = standing.n_answers - standing.n_same_category
    if standing.n_same_category - n_other < LEAD:
        return f"category: {standing.n_same_category} of {standing.n_answers} agree"
    if standing.n_same_concept < SAME_WORDS:
        return "concept: no two people say the same"
    width = standing.precision_high - standing.precision_low
    if widest is not None and width > widest:
        return f"precision: the interval is {width:.2f} wide"
    return None


def _stand(label: UnitLabel) -> Standing:
    return Standing(**{one.name: getattr(label, one.name) for one in fields(Standing)})
