"""Publishing to the real sandbox over HTTP, and what stands there afterwards."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.campaigns.publishing import CannotPublish, withdraw_campaign
from annotator.crowd.marketplaces.outcomes import BadTerms
from annotator.crowd.models import HIT, Campaign, OutwardAct
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_unit_becomes_one_hit_with_its_page_as_question(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    campaign.refresh_from_db()
    assert campaign.state == "published"
    for hit in campaign.hits.all():
        there = SandboxHIT.objects.get(mturk_id=hit.external_id)
        assert f"/hit/{hit.public_id}/" in there.question
        assert there.max_assignments == 3
    assert SandboxHIT.objects.count() == 4


def test_publishing_again_changes_nothing(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    market.publish(campaign)
    assert SandboxHIT.objects.count() == 4
    assert OutwardAct.objects.count() == 5


def test_the_reserved_money_is_what_the_marketplace_takes(market: Any, campaign: Campaign) -> None:
    before = market.marketplace.client.call("GetAccountBalance", {})["AvailableBalance"]
    market.publish(campaign)
    after = market.marketplace.client.call("GetAccountBalance", {})["AvailableBalance"]
    assert Campaign.objects.get(pk=campaign.pk).committed_usd == Decimal("7.20")
    assert Decimal(before) - Decimal(after) in (Decimal(0), Decimal("7.20"))  # at publishing, or as work is approved


def test_a_cap_under_the_price_publishes_nothing(market: Any, dissection: Dissection) -> None:
    with pytest.raises(CannotCompose, match=r"costs \$7.20 with fees, more than the cap of \$7.19"):
        make_campaign(dissection, budget_cap_usd=Decimal("7.19"))
    assert not Campaign.objects.exists()
    campaign = make_campaign(dissection)
    Campaign.objects.update(budget_cap_usd=Decimal("7.19"))  # were it so, the database would refuse
    with pytest.raises(BudgetExceeded, match="cap"):
        market.publish(campaign)
    assert not SandboxHIT.objects.exists()
    assert not OutwardAct.objects.filter(verb="publish").exists()
    assert Campaign.objects.get(pk=campaign.pk).committed_usd == 0


def test_a_campaign_without_a_quote_is_not_published(market: Any, dissection: Dissection) -> None:
    with pytest.raises(CannotPublish, match="no quote"):
        market.publish(make_campaign(dissection, is_quoted=False))


def test_extending_adds_assignments_once_and_within_the_cap(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    hit = campaign.hits.order_by("id").first()
    assert hit is not None
    session = market.open_session(campaign)
    extend_hits(session, n_more={hit.pk: 2})
    hit.refresh_from_db()
    assert (hit.n_assignments, SandboxHIT.objects.get(mturk_id=hit.external_id).max_assignments) == (5, 5)
    Campaign.objects.update(budget_cap_usd=Decimal("8.50"))
    with pytest.raises(BudgetExceeded):
        extend_hits(session, n_more={hit.pk: 2})
    with pytest.raises(BadTerms, match="10 or more"):
        extend_hits(session, n_more={hit.pk: 5})
    assert SandboxHIT.objects.get(mturk_id=hit.external_id).max_assignments == 5


def test_withdrawing_ends_what_nobody_has_taken(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    withdraw_campaign(market.open_session(campaign))
    now: datetime = market.clock()
    assert all(hit.expires_at <= now for hit in SandboxHIT.objects.all())
    assert set(campaign.hits.values_list("state", flat=True)) == {HIT.State.CANCELED}
    campaign.refresh_from_db()
    assert campaign.is_paused
