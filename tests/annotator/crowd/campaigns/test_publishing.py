"""Publishing to the real sandbox over HTTP, and what stands there afterwards."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.campaigns.publishing import CannotPublish, withdraw_campaign
from annotator.crowd.marketplaces.outcomes import BadTerms
from annotator.crowd.models import HIT, Campaign, HITType, OutwardAct
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.demo.management.commands.simulate_people import find_site
from annotator.demo.people.tempers import gather_people
from annotator.demo.people.working import Crew, sign_in_all
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.sandbox.models import HITType as SandboxHITType
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


def test_campaigns_of_equal_terms_are_groups_of_their_own(market: Any, dissection: Dissection) -> None:
    for name in ("one", "two"):
        market.publish(make_campaign(dissection, name=name, requester_name=f"The lab of {name}"))
    kinds = SandboxHITType.objects.order_by("id")
    assert [kind.hits.count() for kind in kinds] == [4, 4]
    assert kinds[0].title != kinds[1].title
    assert "Asked by The lab of two." in kinds[1].description


def test_simulated_people_see_no_hit_of_another_campaign_in_the_same_group(
    market: Any, dissection: Dissection, tmp_path: Path
) -> None:
    """A HIT type that campaigns of an earlier release share."""
    campaigns = [make_campaign(dissection, name=name) for name in ("one", "two")]
    for campaign in campaigns:
        market.publish(campaign)
    shared = SandboxHITType.objects.order_by("id")[0]
    SandboxHIT.objects.update(hit_type=shared)
    HITType.objects.update(external_id=shared.mturk_id)
    site, people = find_site("one"), gather_people(n_people=1)
    browsers = sign_in_all(site=site, people=people, keys_file=tmp_path / "keys.json")
    crew = Crew(site, people, viewer=cast(Any, None), knowledge=cast(Any, None), seed=1, browsers=browsers)
    assert set(crew._list_hits()) == set(campaigns[0].hits.values_list("external_id", flat=True))
    assert SandboxHIT.objects.count() == 8
