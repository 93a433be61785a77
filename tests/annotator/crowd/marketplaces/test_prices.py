"""Prices by hand: fees at each edge of the schedule, quotes, hourly pay and top-ups."""

from decimal import Decimal

import pytest

from annotator.crowd.marketplaces.facts import FeeSchedule
from annotator.crowd.marketplaces.prices import (
    compute_fee,
    compute_hit_cost,
    compute_hourly,
    compute_top_up,
    make_quote,
)


@pytest.mark.parametrize(
    ("amount", "n", "fee"),
    [
        ("0.01", 1, "0.01"), ("0.04", 3, "0.01"), ("0.05", 3, "0.01"), ("0.50", 9, "0.10"), ("0.50", 10, "0.20"),
        ("0.60", 3, "0.12"), ("1.00", 100, "0.40"), ("0.13", 3, "0.03"), ("0.12", 3, "0.02"),
    ],
)  # fmt: skip
def test_fees(amount: str, n: int, fee: str) -> None:
    assert compute_fee(amount_usd=Decimal(amount), n_assignments=n, fees=FeeSchedule()) == Decimal(fee)


def test_a_quote() -> None:
    quote = make_quote(
        n_hits=32, n_assignments=3, reward_usd=Decimal("0.60"), seconds_per_assignment=150, fees=FeeSchedule()
    )
    assert (quote.rewards_usd, quote.fees_usd, quote.total_usd) == (
        Decimal("57.60"),
        Decimal("11.52"),
        Decimal("69.12"),
    )
    assert quote.hourly_usd == Decimal("14.40")
    assert quote.hours_of_work == Decimal("4.0")
    assert compute_hit_cost(reward_usd=Decimal("0.60"), n_assignments=3, fees=FeeSchedule()) == Decimal("2.16")


def test_hourly_pay_and_the_bonus_that_lifts_it_to_the_floor() -> None:
    assert compute_hourly(paid_usd=Decimal("0.50"), seconds=150) == Decimal("12.00")
    assert compute_hourly(paid_usd=Decimal("0.50"), seconds=0) == Decimal("1800.00")
    floor = Decimal("12.00")
    assert compute_top_up(paid_usd=Decimal("0.50"), seconds=150, floor_usd=floor) == 0
    assert compute_top_up(paid_usd=Decimal("0.50"), seconds=151, floor_usd=floor) == Decimal("0.01")
    assert compute_top_up(paid_usd=Decimal("0.50"), seconds=300, floor_usd=floor) == Decimal("0.50")
