"""What goes on by itself: collecting and settling, a silent marketplace told once, a busy campaign left alone."""

from typing import Any

import pytest

from annotator.crowd import tasks
from annotator.crowd.marketplaces.mturk import client
from annotator.crowd.models import Assignment, Campaign, OutwardAct
from annotator.sandbox.models import HIT as SandboxHIT

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_going_campaign_is_collected_and_an_unknown_act_settled(market: Any, campaign: Campaign, hit: Any) -> None:
    market.publish(campaign)
    market.work(hit, "ada")
    OutwardAct.objects.filter(hit=hit).update(state="unknown")
    tasks.go_on()
    assert Assignment.objects.get().state == "submitted"
    assert OutwardAct.objects.get(hit=hit).state == "done"
    assert SandboxHIT.objects.count() == 4


def test_a_silent_marketplace_leaves_one_sentence_that_goes_when_it_answers(
    market: Any, campaign: Campaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.publish(campaign)
    address = settings.SANDBOX_URL
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    with monkeypatch.context() as patch:
        patch.setattr(client, "MAX_ATTEMPTS", 1)
        tasks.go_on()
    campaign.refresh_from_db()
    assert campaign.problem == "The marketplace own at http://127.0.0.1:9 does not answer."
    settings.SANDBOX_URL = address
    tasks.go_on()
    campaign.refresh_from_db()
    assert campaign.problem == ""
