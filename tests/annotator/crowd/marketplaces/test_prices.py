"""Prices by hand: fees at each edge of the schedule, quotes, hourly pay and top-ups."""

from decimal import Decimal

import pytest

from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.marketplace import FeeSchedule, open_marketplace
from annotator.crowd.marketplaces.outcomes import RealMoneyRefused, UnknownMarketplace
from annotator.crowd.marketplaces.prices import find_fee, find_hit_cost, find_hourly, find_top_up, make_quote


@pytest.mark.parametrize(
    ("amount", "n", "fee"),
    [
        ("0.01", 1, "0.01"), ("0.04", 3, "0.01"), ("0.05", 3, "0.01"), ("0.50", 9, "0.10"), ("0.50", 10, "0.20"),
        ("0.60", 3, "0.12"), ("1.00", 100, "0.40"), ("0.13", 3, "0.03"), ("0.12", 3, "0.02"),
    ],
)  # fmt: skip
def test_fees(amount: str, n: int, fee: str) -> None:
    assert find_fee(amount_usd=Decimal(amount), n_assignments=n, fees=FeeSchedule()) == Decimal(fee)


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
    assert find_hit_cost(reward_usd=Decimal("0.60"), n_assignments=3, fees=FeeSchedule()) == Decimal("2.16")


def test_hourly_pay_and_the_bonus_that_lifts_it_to_the_floor() -> None:
    assert find_hourly(paid_usd=Decimal("0.50"), seconds=150) == Decimal("12.00")
    assert find_hourly(paid_usd=Decimal("0.50"), seconds=0) == Decimal("1800.00")
    floor = Decimal("12.00")
    assert find_top_up(paid_usd=Decimal("0.50"), seconds=150, floor_usd=floor) == 0
    assert find_top_up(paid_usd=Decimal("0.50"), seconds=151, floor_usd=floor) == Decimal("0.01")
    assert find_top_up(paid_usd=Decimal("0.50"), seconds=300, floor_usd=floor) == Decimal("0.50")


def test_real_money_needs_three_confirmations(settings: object) -> None:
    live = open_marketplace("mturk")
    confirmed = {"marketplace": live, "campaign_name": "c", "has_flag": True, "typed_name": "c", "by": "pia"}
    with pytest.raises(RealMoneyRefused, match="REAL_MONEY_ALLOWED"):
        give_permit(**confirmed)  # type: ignore[arg-type]
    settings.REAL_MONEY_ALLOWED = True  # type: ignore[attr-defined]
    assert give_permit(**confirmed) == Permit(campaign="c", given_by="pia")  # type: ignore[arg-type]
    with pytest.raises(RealMoneyRefused, match="--real-money"):
        give_permit(**(confirmed | {"has_flag": False}))  # type: ignore[arg-type]
    with pytest.raises(RealMoneyRefused, match="typed"):
        give_permit(**(confirmed | {"typed_name": "d"}))  # type: ignore[arg-type]
    for name in ("own", "mturk-sandbox"):
        asked = {"campaign_name": "c", "has_flag": False, "typed_name": "", "by": "pia"}
        assert give_permit(marketplace=open_marketplace(name), **asked) is None  # type: ignore[arg-type]


def test_an_unknown_marketplace_is_refused() -> None:
    with pytest.raises(UnknownMarketplace, match="own, mturk-sandbox or mturk"):
        open_marketplace("ebay")


def test_only_one_of_the_three_takes_real_money() -> None:
    assert [open_marketplace(name).is_real_money for name in ("own", "mturk-sandbox", "mturk")] == [False, False, True]
    places = [open_marketplace(name) for name in ("own", "mturk-sandbox", "mturk")]
    for place in places:
        others = [origin for other in places if other != place for origin in other.submit_origins]
        assert place.match_submit_origin(place.submit_origins[0] + "/") == place.submit_origins[0]
        assert all(place.match_submit_origin(origin) is None for origin in others)
