"""What can still be asked of a campaign whose answers are in, and what is asked before it is closed."""

from decimal import Decimal
from typing import Any

import pytest

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.campaigns.publishing import CannotPublish
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.units.models import Dissection
from annotator.work.performing import RoleMissing, perform
from annotator.work.steps.labeling import AskAllOptions
from annotator.work.steps.publishing import CapOptions, CloseOptions
from annotator.work.table import STEPS
from tests.annotator.crowd.fixtures import dissection, market
from tests.annotator.crowd.making import make_campaign
from tests.annotator.dashboard.making import make_person

__all__ = ["dissection", "market"]
pytestmark = pytest.mark.django_db(transaction=True)


def act(name: str, campaign: Campaign, options: Any = None) -> str:
    return perform(STEPS[name], subject=campaign, actor=None, options=options).sentence


def test_more_is_asked_the_cap_is_raised_and_closing_asks_first(market: Any, dissection: Dissection) -> None:
    campaign = make_campaign(dissection, n_assignments=1, budget_cap_usd=Decimal("2.40"))
    market.publish(campaign)
    for hit in campaign.hits.order_by("id"):
        market.work(hit, "ann")
    act("collect", campaign)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.COMPLETE
    with pytest.raises(CannotPublish, match="4 answers of try are not approved"):
        act("close", campaign)

    with pytest.raises(BudgetExceeded, match=r"2 more answers on 4 HITs cost \$4.80, and \$0.00 of the cap is left"):
        act("ask-all", campaign, AskAllOptions())
    assert not AuditEntry.objects.filter(action__in=["close", "ask-all"]).exists()

    asked, rita = CapOptions(budget=Decimal("7.20")), make_person(Role.REVIEWER, "rita")
    with pytest.raises(RoleMissing):
        perform(STEPS["raise-cap"], subject=campaign, actor=rita, options=asked)
    assert act("raise-cap", campaign, asked) == "The cap is $7.20 now; it was $2.40."
    assert AuditEntry.objects.get(action="raise-cap").details["cap before"] == "2.40"
    with pytest.raises(CannotPublish, match="only be raised"):
        act("raise-cap", campaign, asked)
    assert AuditEntry.objects.filter(action="raise-cap").count() == 1

    campaign.refresh_from_db()
    assert act("ask-all", campaign, AskAllOptions()) == "2 more answers are asked for on each of 4 HITs."
    campaign.refresh_from_db()
    assert (campaign.state, campaign.committed_usd) == (Campaign.State.COLLECTING, Decimal("7.20"))
    assert set(campaign.hits.values_list("n_assignments", flat=True)) == {3}
    act("withdraw", campaign)
    assert act("close", campaign, CloseOptions(leave_unapproved=True)) == "Closed."
    campaign.refresh_from_db()
    assert (campaign.state, campaign.committed_usd) == (Campaign.State.CLOSED, Decimal("2.40"))
