"""More answers only where people disagree: the rule, the acts on the real sandbox, what it saves."""

from typing import Any

import pytest

from annotator.crowd.campaigns import collecting
from annotator.crowd.models import Campaign
from annotator.labels.extending import (
    CannotExtend,
    Standing,
    decide_extensions,
    extend_campaign,
    find_doubt,
    find_saving,
)
from annotator.labels.recording import label_campaign
from annotator.sandbox.models import HIT as SandboxHIT
from benchmarks.adaptive_collection import find_curves
from tests.annotator.crowd.fixtures import dissection, market
from tests.annotator.crowd.making import make_campaign

__all__ = ["dissection", "market"]


@pytest.mark.parametrize(
    ("n", "n_category", "n_concept", "doubt"),
    [
        (2, 2, 2, None), (2, 1, 2, "category"), (2, 2, 1, "concept"), (3, 2, 2, "category"), (4, 3, 2, None),
        (4, 2, 2, "category"), (5, 4, 3, None), (5, 3, 3, "category"), (1, 1, 1, "category"),
    ],
)  # fmt: skip
def test_the_rule(n: int, n_category: int, n_concept: int, doubt: str | None) -> None:
    found = find_doubt(Standing(n, n_category, n_concept, 0.5, 0.9), widest=None)
    assert (found or "").split(":")[0] == (doubt or "")


def test_an_interval_wider_than_asked_is_a_doubt() -> None:
    standing = Standing(2, 2, 2, 0.5, 0.9)
    assert find_doubt(standing, widest=0.41) is None
    assert (find_doubt(standing, widest=0.39) or "").startswith("precision")


@pytest.mark.django_db(transaction=True)
def test_one_more_person_is_asked_where_two_disagree(market: Any, dissection: Any) -> None:
    campaign = make_campaign(dissection, n_assignments=2, max_assignments=3)
    market.publish(campaign)
    agreed, disputed, *rest = campaign.hits.order_by("id")
    for hit in (agreed, disputed, *rest):
        market.work(hit, "ada", description="lamp", category="object")
        market.work(hit, "bob", description="lamp", category="scene" if hit == disputed else "object")
    extended = extend(market, campaign)
    assert list(extended) == [disputed.pk]
    assert SandboxHIT.objects.get(mturk_id=disputed.external_id or hit_id(disputed)).max_assignments == 3
    campaign.refresh_from_db()
    assert campaign.state == "collecting"
    disputed.refresh_from_db()
    market.work(disputed, "cyd", description="lamp", category="scene")
    assert not extend(market, campaign)  # at the campaign's maximum
    saving = find_saving(campaign)
    assert (saving.n_asked, saving.n_fixed, str(saving.saved_usd)) == (9, 12, "1.80")


def hit_id(hit: Any) -> str:
    hit.refresh_from_db()
    return str(hit.external_id)


def extend(market: Any, campaign: Campaign) -> Any:
    collecting.collect_campaign(market.open_session(campaign))
    # These people mark nothing, and would be set aside.
    label_campaign(campaign=campaign, now=market.clock(), keeps_suspected=True)
    return extend_campaign(market.open_session(campaign), widest=None)


@pytest.mark.django_db
def test_a_campaign_of_a_fixed_number_is_not_extended(dissection: Any) -> None:
    with pytest.raises(CannotExtend, match="--max-assignments"):
        decide_extensions(campaign=make_campaign(dissection), widest=None)


def test_error_against_cost_lies_below_the_curve_of_fixed_numbers() -> None:
    curves = find_curves(n_units=1500, seed=3)
    for most, point in curves.adaptive.items():
        assert 2 < point.n_asked < most
        assert curves.find_ratio(most) < 1, most
