"""Many spend for one campaign at once: together they stay within its cap, and each is told how it went."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from annotator.crowd.campaigns.extending import compute_extension_cost, extend_hits
from annotator.crowd.models import HIT, Campaign, OutwardAct
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.outbox.performing import CampaignBusy
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.sandbox.models import LedgerEntry
from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)
# `make drill` runs 20 who ask for 10 each.
N_SPENDERS = int(os.environ.get("UNITSCOPE_SPENDERS", "3"))
N_EACH = int(os.environ.get("UNITSCOPE_SPENDS", "2"))


def test_the_cap_holds_whoever_spends_at_once(market: Any, dissection: Dissection) -> None:
    # A HIT that has fewer could not be extended beyond nine.
    campaign = make_campaign(dissection, n_assignments=10)
    market.publish(campaign)
    first = campaign.hits.earliest("id")
    cost = compute_extension_cost(first, n_more=1, fees=market.marketplace.facts.fees)
    # The cap is enough for half of what is asked for, and a little more.
    n_affordable = N_SPENDERS * N_EACH // 2
    campaign.refresh_from_db()
    before = campaign.committed_usd
    cap = before + n_affordable * cost + Decimal("0.01")
    Campaign.objects.filter(pk=campaign.pk).update(budget_cap_usd=cap)
    gate = Barrier(N_SPENDERS)
    hits = list(campaign.hits.order_by("id").values_list("pk", flat=True))

    def spend(number: int) -> list[str]:
        gate.wait()
        mine = [hits[(number + place) % len(hits)] for place in range(N_EACH)]
        try:
            return [ask_for_one_more(market, campaign.pk, hit_id) for hit_id in mine]
        finally:
            connection.close()

    with ThreadPoolExecutor(N_SPENDERS) as pool:
        told = Counter(word for words in pool.map(spend, range(N_SPENDERS)) for word in words)
    campaign.refresh_from_db()
    acts = OutwardAct.objects.filter(campaign=campaign)
    assert told == {"done": n_affordable, "beyond the cap": N_SPENDERS * N_EACH - n_affordable}
    assert campaign.committed_usd == before + n_affordable * cost <= cap
    assert acts.exclude(state="done").count() == 0
    assert acts.aggregate(sum=Sum("cost_usd"))["sum"] == campaign.committed_usd
    ours = dict(HIT.objects.filter(campaign=campaign).values_list("external_id", "n_assignments"))
    assert dict(SandboxHIT.objects.values_list("mturk_id", "max_assignments")) == ours
    held = LedgerEntry.objects.filter(reason="hold").aggregate(sum=Sum("amount_usd"))["sum"]
    assert held == campaign.committed_usd, "what the marketplace holds is what was reserved, and no more"


def ask_for_one_more(market: Any, campaign_id: int, hit_id: int) -> str:
    """How it ended; whoever finds the campaign busy asks again."""
    while True:
        campaign = Campaign.objects.get(pk=campaign_id)
        try:
            extend_hits(market.open_session(campaign), n_more={hit_id: 1})
        except BudgetExceeded:
            return "beyond the cap"
        except CampaignBusy:
            continue
        return "done"
