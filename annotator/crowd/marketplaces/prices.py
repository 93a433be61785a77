"""Prices: rewards, the marketplace's fees, and what a campaign will cost. Decimal throughout, dollars."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from annotator.crowd.marketplaces.facts import FeeSchedule

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Quote:
    n_hits: int
    n_assignments: int
    rewards_usd: Decimal
    fees_usd: Decimal
    total_usd: Decimal
    seconds_per_assignment: int
    hourly_usd: Decimal
    hours_of_work: Decimal
    # Of whose work the seconds are the median; empty: what the HIT type expects.
    time_from: str = ""

    def as_json(self) -> dict[str, str | int]:
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in vars(self).items()}


def compute_fee(*, amount_usd: Decimal, n_assignments: int, fees: FeeSchedule) -> Decimal:
    """The fee on one reward or bonus of a HIT that has this many assignments, in whole cents."""
    share = fees.share + (fees.large_hit_share if n_assignments >= fees.large_hit_from else Decimal(0))
    return max(fees.min_usd, (amount_usd * share).quantize(CENT, ROUND_HALF_UP))


def compute_hit_cost(*, reward_usd: Decimal, n_assignments: int, fees: FeeSchedule) -> Decimal:
    """Rewards and fees of all assignments of one HIT."""
    return n_assignments * (reward_usd + compute_fee(amount_usd=reward_usd, n_assignments=n_assignments, fees=fees))


def make_quote(
    *, n_hits: int, n_assignments: int, reward_usd: Decimal, seconds_per_assignment: int, fees: FeeSchedule,
    time_from: str = "",
) -> Quote:  # fmt: skip
    rewards = reward_usd * n_hits * n_assignments
    total = n_hits * compute_hit_cost(reward_usd=reward_usd, n_assignments=n_assignments, fees=fees)
    return Quote(
        n_hits=n_hits,
        n_assignments=n_hits * n_assignments,
        rewards_usd=rewards.quantize(CENT, ROUND_HALF_UP),
        fees_usd=(total - rewards).quantize(CENT, ROUND_HALF_UP),
        total_usd=total.quantize(CENT, ROUND_HALF_UP),
        seconds_per_assignment=seconds_per_assignment,
        hourly_usd=compute_hourly(paid_usd=reward_usd, seconds=seconds_per_assignment),
        hours_of_work=(Decimal(n_hits * n_assignments * seconds_per_assignment) / 3600).quantize(Decimal("0.1")),
        time_from=time_from,
    )


def compute_hourly(*, paid_usd: Decimal, seconds: float) -> Decimal:
    """Dollars per hour for work that took this many active seconds; under a second counts as one."""
    return (paid_usd * 3600 / Decimal(max(1.0, seconds))).quantize(CENT, ROUND_HALF_UP)


def compute_top_up(*, paid_usd: Decimal, seconds: float, floor_usd: Decimal) -> Decimal:
    """The bonus that lifts this pay to the hourly floor, in whole cents rounded up; 0 if none is due."""
    due = floor_usd * Decimal(max(0.0, seconds)) / 3600 - paid_usd
    return max(Decimal(0), due).quantize(CENT, "ROUND_UP")
