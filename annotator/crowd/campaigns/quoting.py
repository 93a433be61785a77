"""Quotes a campaign: what it will cost with fees, and how long it takes."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.marketplaces.prices import CENT, Quote, compute_hit_cost, make_quote
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import COUNTED, Assignment, Campaign
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

# With less measured work than this the time that the HIT type expects is quoted.
MIN_ANSWERS, MIN_PEOPLE = 20, 5
# The newest answers tell how people work now.
MAX_ANSWERS = 5000


@dataclass(frozen=True)
class MeasuredTime:
    """`seconds`: the median over people of each one's median active time."""

    seconds: int
    n_answers: int
    n_people: int

    @property
    def words(self) -> str:
        return f"{say_count(self.n_answers, 'answer')} of {say_count(self.n_people, 'person')}"


class CannotQuote(Refusal):
    """The campaign was published, so that its price is fixed."""


def quote_campaign(*, campaign: Campaign, now: datetime) -> Quote:
    """Computes the price and keeps it on the campaign. Assignments that are added later cost extra."""
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)
        campaign.refresh_from_db()  # another tab may have changed or published it
        if campaign.state not in (Campaign.State.DRAFT, Campaign.State.QUOTED):
            raise CannotQuote(f"The campaign {campaign} is {campaign.state}: it was quoted before.")
        quote = estimate_quote(
            n_hits=campaign.hits.count(),
            n_assignments=campaign.n_assignments,
            reward_usd=campaign.reward_usd,
            template=campaign.hit_types.get().template,
            marketplace=campaign.marketplace,
        )
        campaign.quote = quote.as_json()
        campaign.state = Campaign.State.QUOTED
        campaign.quoted_at = now
        campaign.save(update_fields=["quote", "state", "quoted_at"])
    return quote


def estimate_quote(*, n_hits: int, n_assignments: int, reward_usd: Decimal, template: str, marketplace: str) -> Quote:
    """The price of a campaign of this size, composed or not; its time is what people took for such HITs, if known."""
    measured = measure_time(template)
    return make_quote(
        n_hits=n_hits,
        n_assignments=n_assignments,
        reward_usd=reward_usd,
        seconds_per_assignment=measured.seconds if measured else load_template(template).expected_seconds,
        fees=open_marketplace(marketplace).facts.fees,
        time_from=measured.words if measured else "",
    )


def measure_time(template: str) -> MeasuredTime | None:
    """How long people took for HITs of this type, in all campaigns done here; None if too few did any.

    Programs do not count, nor answers that were rejected or left out. Each person counts once, however many HITs they
    did.
    """
    done = Assignment.objects.filter(
        hit__hit_type__template=template, state__in=COUNTED, is_left_out=False, worker__is_simulated=False,
        active_seconds__gt=0, hit__campaign__is_imported=False,
    ).order_by("-id")  # fmt: skip
    times = _group_times(done.values_list("worker", "active_seconds")[:MAX_ANSWERS])
    n_answers = sum(map(len, times.values()))
    if n_answers < MIN_ANSWERS or len(times) < MIN_PEOPLE:
        return None
    return MeasuredTime(max(1, round(_find_median(times))), n_answers, len(times))


def measure_campaign(campaign: Campaign) -> int | None:
    """The median over people of each one's median active time in this campaign, in seconds; None without people."""
    done = Assignment.objects.filter(
        hit__campaign=campaign, state__in=COUNTED, is_left_out=False, worker__is_simulated=False, active_seconds__gt=0
    )
    times = _group_times(done.values_list("worker", "active_seconds"))
    return round(_find_median(times)) if times else None


def _group_times(rows: Iterable[tuple[int | None, float]]) -> dict[int | None, list[float]]:
    times: dict[int | None, list[float]] = {}
    for worker, seconds in rows:
        times.setdefault(worker, []).append(seconds)
    return times


def _find_median(times: Mapping[int | None, Sequence[float]]) -> float:
    return statistics.median(statistics.median(values) for values in times.values())


def compute_max_cost(*, n_hits: int, n_assignments: int, reward_usd: Decimal, marketplace: str) -> Decimal:
    """What a campaign of this size can cost at most, rounded up to whole cents."""
    fees = open_marketplace(marketplace).facts.fees
    cost = n_hits * compute_hit_cost(reward_usd=reward_usd, n_assignments=n_assignments, fees=fees)
    return cost.quantize(CENT, "ROUND_UP")
