"""Prices by hand: fees at each edge of the schedule, quotes, hourly pay and top-ups."""

from decimal import Decimal

import pytest

from annotator.crowd.marketplaces.facts import FeeSchedule
from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.mturk.adapter import match_submit_origin
from annotator.crowd.marketplaces.outcomes import RealMoneyRefused, UnknownMarketplace
from annotator.crowd.marketplaces.prices import (
    compute_fee,
    compute_hit_cost,
    compute_hourly,
    compute_top_up,
    make_quote,
)
from annotator.crowd.marketplaces.table import list_facts, open_marketplace


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


def test_real_money_needs_three_confirmations(settings: object) -> None:
    live = open_marketplace("mturk").facts
    confirmed = {"facts": live, "campaign_name": "c", "has_flag": True, "typed_name": "c", "by": "pia"}
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
        assert give_permit(facts=open_marketplace(name).facts, **asked) is None  # type: ignore[arg-type]


def test_an_unknown_marketplace_is_refused() -> None:
    with pytest.raises(UnknownMarketplace, match="own, links, mturk-sandbox, prolific or mturk"):
        open_marketplace("ebay")


def test_which_marketplaces_take_real_money() -> None:
    places = list_facts()
    assert [(place.name, place.is_real_money) for place in places] == [
        ("own", False), ("links", False), ("mturk-sandbox", False), ("prolific", True),
        ("mturk", True),
    ]  # fmt: skip
    for place in places:
        own, others = place.submit_origins, [other.submit_origins for other in places if other != place]
        assert match_submit_origin(own[0] + "/", own) == own[0]
        assert all(match_submit_origin(origin, own) is None for origins in others for origin in origins)
