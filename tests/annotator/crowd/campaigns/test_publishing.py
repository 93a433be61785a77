"""Publishing to the real sandbox over HTTP, and what stands there afterwards."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from django.utils import timezone

from annotator.crowd.campaigns import composing
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.extending import extend_hits, give_time
from annotator.crowd.campaigns.openness import find_openness
from annotator.crowd.campaigns.publishing import CannotPublish, close_campaign, pause_campaign, withdraw_campaign
from annotator.crowd.judging.approving import approve_assignments, pay_top_ups
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.marketplaces.mturk.client import MTurkClient
from annotator.crowd.marketplaces.outcomes import BadTerms, OutcomeUnknown
from annotator.crowd.models import HIT, Campaign, HITType, OutwardAct
from annotator.crowd.outbox import performing
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.outbox.crash_points import Crashed
from annotator.crowd.outbox.session import CampaignClosed
from annotator.crowd.tasks import go_on
from annotator.demo.management.commands.simulate_people import find_site
from annotator.demo.people.signing_in import sign_in_all
from annotator.demo.people.tempers import gather_people
from annotator.demo.people.working import Crew
from annotator.names import NameTaken
from annotator.sandbox import switchboard
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.sandbox.models import HITType as SandboxHITType
from annotator.sandbox.rules.refusals import Refused
from annotator.units.models import Dissection
from annotator.work.states import UNPUBLISHED, find_standing, unless_taken_back
from annotator.work.step import Work
from annotator.work.steps.publishing import publish
from tests.annotator.crowd.making import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "name", ["n_assignments", "max_assignments", "max_hits_per_worker", "lifetime_seconds", "seed"]
)
def test_a_number_that_no_column_holds_is_refused_in_words(dissection: Dissection, name: str) -> None:
    """Where people work for nothing, no price and no cap stops it."""
    with pytest.raises(CannotCompose, match=f"{composing.NUMBERS[name]}: .* less than or equal to"):
        make_campaign(dissection, marketplace="links", reward_usd=Decimal(0), **{name: 10**19})
    assert not Campaign.objects.exists()


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


def test_what_was_refused_is_done_when_what_it_lacked_is_there(market: Any, campaign: Campaign) -> None:
    """Publishing, asking for more and withdrawing; a HIT's time begins when it is published."""
    switchboard.turn(is_balance_exhausted=True)
    with pytest.raises(CannotPublish, match="insufficient funds"):
        market.publish(campaign)
    OutwardAct.objects.update(sent_at=timezone.now() - timedelta(days=3))
    switchboard.turn(is_balance_exhausted=False)
    market.publish(campaign)
    hits = campaign.hits.all()
    assert {(hit.state, hit.expires_at is not None and hit.expires_at > timezone.now()) for hit in hits} == {
        ("published", True)
    }
    switchboard.turn(is_balance_exhausted=True)
    with pytest.raises(CannotPublish, match="insufficient funds"):
        extend_hits(market.open_session(campaign), n_more={hits[0].pk: 2})
    switchboard.turn(is_balance_exhausted=False)
    for _ in range(2):  # the second ends where the refused one would have ended, and is smaller
        extend_hits(market.open_session(campaign), n_more={hits[0].pk: 1})
    (more,) = campaign.hits.filter(n_assignments=hits[0].n_assignments + 2)
    assert SandboxHIT.objects.get(mturk_id=more.external_id).max_assignments == more.n_assignments
    campaign.refresh_from_db()
    assert campaign.committed_usd == sum(act.cost_usd for act in OutwardAct.objects.filter(state="done"))
    OutwardAct.objects.filter(verb="extend").update(state="needs_human", problem="Nobody knows.")
    campaign.hits.filter(pk=more.pk).update(n_assignments=more.n_assignments - 1)
    with pytest.raises(CannotPublish, match="Nobody knows"):  # it is not sent again, nor told as done
        extend_hits(market.open_session(campaign), n_more={more.pk: 1})
    withdraw_campaign(market.open_session(campaign))
    OutwardAct.objects.filter(verb="stop").update(state="failed", problem="Refused.")
    campaign.hits.update(state="published")
    withdraw_campaign(market.open_session(campaign))
    assert not campaign.hits.exclude(state="canceled").exists()


def test_withdrawing_ends_what_nobody_has_taken(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    withdraw_campaign(market.open_session(campaign))
    now: datetime = market.clock()
    assert all(hit.expires_at <= now for hit in SandboxHIT.objects.all())
    assert set(campaign.hits.values_list("state", flat=True)) == {HIT.State.CANCELED}
    campaign.refresh_from_db()
    assert campaign.is_paused


def test_an_act_without_an_answer_holds_no_withdrawal_up(
    market: Any, campaign: Campaign, hit: HIT, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.publish(campaign)
    market.work(hit, "ann")
    collect_campaign(market.open_session(campaign))
    monkeypatch.setenv("UNITSCOPE_CRASH_AT", "lose:after claim:approve")
    for act in (approve_assignments, withdraw_campaign):
        with pytest.raises(OutcomeUnknown, match="left 1 act of"):
            act(market.open_session(campaign))
    assert set(campaign.hits.values_list("state", flat=True)) == {HIT.State.CANCELED}


def tell_why_not(campaign: Campaign) -> str | None:
    standing = find_standing(campaign.name)
    assert standing is not None
    return unless_taken_back(standing)


@pytest.mark.parametrize("point", ["after claim", "after call"])
def test_what_a_dead_publication_left_is_withdrawn_too(
    market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Its process died at the first HIT: one may be there of which nobody knows, and the others wait to be sent."""
    assert tell_why_not(campaign) == UNPUBLISHED
    monkeypatch.setenv("UNITSCOPE_CRASH_AT", f"raise:{point}:publish")
    with pytest.raises(Crashed):
        market.publish(campaign)
    monkeypatch.delenv("UNITSCOPE_CRASH_AT")
    assert tell_why_not(campaign) == "", "the page offers to withdraw it"
    withdraw_campaign(market.open_session(campaign))
    assert SandboxHIT.objects.count() == (point == "after call")
    assert all(hit.expires_at <= market.clock() for hit in SandboxHIT.objects.all())
    collect_campaign(market.open_session(campaign))
    campaign.refresh_from_db()
    assert campaign.committed_usd == 0
    assert find_attention(campaign=campaign, now=market.clock()) == []
    assert set(campaign.hits.values_list("state", flat=True)) == {HIT.State.CANCELED}


def test_a_hit_that_is_not_listed_yet_is_withdrawn_when_it_is(
    market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at Amazon, where it may take a while."""
    place = market.marketplace.place
    market.marketplace.place = replace(place, facts=replace(place.facts, lists_within=timedelta(minutes=10)))
    monkeypatch.setenv("UNITSCOPE_CRASH_AT", "raise:after call:publish")
    with pytest.raises(Crashed):
        market.publish(campaign)
    monkeypatch.delenv("UNITSCOPE_CRASH_AT")
    with monkeypatch.context() as listing:
        listing.setattr(MTurkClient, "list_all", lambda self, operation, member, **request: iter(()))
        with pytest.raises(CannotPublish, match=r"1 HIT of try came to be is not known.*withdraw the campaign again"):
            withdraw_campaign(market.open_session(campaign))
    assert tell_why_not(campaign) == ""
    withdraw_campaign(market.open_session(campaign))
    assert SandboxHIT.objects.get().expires_at <= market.clock()
    assert set(campaign.hits.values_list("state", flat=True)) == {HIT.State.CANCELED}


def test_a_dead_publication_goes_on_by_itself(market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as one HIT is there people answer it, whether or not somebody presses Publish again."""
    monkeypatch.setenv("UNITSCOPE_CRASH_AT", "raise:after record:publish")
    with pytest.raises(Crashed):
        market.publish(campaign)
    monkeypatch.delenv("UNITSCOPE_CRASH_AT")
    market.work(campaign.hits.get(state="published"), "ann")
    go_on()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.published_at is None) == ("collecting", False)
    assert SandboxHIT.objects.count() == 4
    market.publish(campaign)
    assert SandboxHIT.objects.count() == 4


def test_a_pause_stops_a_publication_that_is_under_way(
    market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(point: str, verb: str) -> None:
        if (point, verb) == ("after call", "publish"):
            pause_campaign(campaign=campaign, is_paused=True)

    monkeypatch.setattr(performing, "reach", pause)
    work = Work(campaign, actor=None, now=market.clock(), options=None, campaign=campaign, permit=None)
    assert publish(work) == "1 HIT was published, 3 more will be when the campaign is resumed."
    monkeypatch.undo()
    go_on()
    assert SandboxHIT.objects.count() == 1
    pause_campaign(campaign=campaign, is_paused=False)
    go_on()
    assert SandboxHIT.objects.count() == 4


def test_a_closed_campaign_asks_and_pays_nothing_more(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    hit = campaign.hits.order_by("id")[0]
    market.work(hit, "ann", active_seconds=900.0)
    collect_campaign(market.open_session(campaign))
    approve_assignments(market.open_session(campaign))
    withdraw_campaign(market.open_session(campaign))
    close_campaign(campaign=campaign)
    pause_campaign(campaign=campaign, is_paused=False)
    campaign.hits.filter(pk=hit.pk).update(state="complete")
    campaign.refresh_from_db()
    before = OutwardAct.objects.count()
    for spend in (pay_top_ups, partial(extend_hits, n_more={hit.pk: 1})):
        with pytest.raises(CampaignClosed, match="is closed: nothing more is asked or paid"):
            spend(market.open_session(campaign))
    assert OutwardAct.objects.count() == before


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
    site, people = find_site(campaigns[0]), gather_people(n_people=1)
    browsers = sign_in_all(site=site, people=people, keys_file=tmp_path / "keys.json")
    crew = Crew(site, people, viewer=cast(Any, None), knowledge=cast(Any, None), seed=1, browsers=browsers)
    assert set(crew._list_hits()) == set(campaigns[0].hits.values_list("external_id", flat=True))
    assert SandboxHIT.objects.count() == 8


def expire(campaign: Campaign) -> None:
    """The HITs' time is over, by both clocks."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    HIT.objects.filter(campaign=campaign).update(expires_at=an_hour_ago)
    SandboxHIT.objects.update(expires_at=an_hour_ago)


def test_the_lifetime_of_the_campaign_is_that_of_its_hits(market: Any, dissection: Dissection) -> None:
    campaign = make_campaign(dissection, lifetime_seconds=3600)
    market.publish(campaign)
    for hit in campaign.hits.all():
        there = SandboxHIT.objects.get(mturk_id=hit.external_id)
        assert hit.expires_at is not None
        assert timedelta(0) <= there.expires_at - hit.expires_at < timedelta(seconds=60)
        assert there.expires_at - there.created_at == timedelta(hours=1)
    openness = find_openness(campaign, now=market.clock())
    assert (openness.n_open, openness.n_missing, openness.is_expired) == (4, 12, False)


def test_an_expired_campaign_says_so_and_can_be_given_time(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    first = campaign.hits.order_by("id")[0]
    market.work(first, "ann")
    collect_campaign(market.open_session(campaign))
    expire(campaign)
    (need,) = find_attention(campaign=campaign, now=market.clock())
    assert need.kind == "expired"
    assert "11 answers are missing" in need.words
    with pytest.raises(Refused, match="no more assignments"):
        market.take(SandboxHIT.objects.get(mturk_id=first.external_id), "bob")
    assert give_time(market.open_session(campaign), lifetime=timedelta(days=2)) == 4
    market.work(first, "bob")
    assert not find_openness(campaign, now=market.clock()).is_expired
    assert find_attention(campaign=campaign, now=market.clock()) == []


def test_withdrawn_after_more_time_is_withdrawn(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    give_time(market.open_session(campaign), lifetime=timedelta(days=300))
    withdraw_campaign(market.open_session(campaign))
    assert all(hit.expires_at <= market.clock() for hit in SandboxHIT.objects.all())
    with pytest.raises(CannotPublish, match="all were withdrawn"):
        give_time(market.open_session(campaign), lifetime=timedelta(days=2))


def test_what_was_not_spent_is_free_when_a_campaign_is_withdrawn(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    first, second = campaign.hits.order_by("id")[:2]
    market.work(first, "ann")
    at_work = market.accept(second, "bob")
    withdraw_campaign(market.open_session(campaign))
    for _ in range(2):  # collected again, nothing is released twice
        collected = collect_campaign(market.open_session(campaign))
        campaign.refresh_from_db()
        assert (collected.n_listed, collected.n_asked, collected.is_complete) == (1, 2, False)
        assert campaign.committed_usd == Decimal("1.20")  # one answer, and one that may still come
    token = at_work.start()["work_token"]
    at_work.hand_over(at_work.submit(token).json())
    collected = collect_campaign(market.open_session(campaign))
    campaign.refresh_from_db()
    assert (collected.n_listed, collected.n_asked, collected.is_complete) == (2, 2, True)
    assert campaign.committed_usd == Decimal("1.20")


def test_what_an_expired_hit_is_extended_by_can_be_taken(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    with pytest.raises(CannotPublish, match="cannot have 40003"):
        extend_hits(market.open_session(campaign), n_more={campaign.hits.earliest("id").pk: 40_000})
    hit = campaign.hits.order_by("id")[0]
    expire(campaign)
    extend_hits(market.open_session(campaign), n_more={hit.pk: 2})
    market.work(hit, "ann")
    assert find_openness(campaign, now=market.clock()).n_open == 1


def test_of_two_campaigns_that_get_one_name_at_once_the_second_is_refused(
    campaign: Campaign, dissection: Dissection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second looked whether its name is free before the first was written.
    monkeypatch.setattr(composing, "check_name_of", lambda campaign: None)
    with pytest.raises(NameTaken, match=f"'{campaign.name}' was given to something else"):
        make_campaign(dissection)
    assert campaign.hits.count() == HIT.objects.count()
