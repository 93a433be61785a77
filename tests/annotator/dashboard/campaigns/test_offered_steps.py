"""A campaign's page offers the steps that make sense now, and says of the others why not."""

import re
from pathlib import Path

import pytest
from django.test import Client

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.work.models import Job
from tests.annotator.crowd.making import NOW, make_answer, make_campaign, make_dissection
from tests.annotator.dashboard.making import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return make_campaign(make_dissection(tmp_path, n_units=1))


def test_what_makes_sense_now_is_offered_and_the_rest_says_why_not(campaign: Campaign, client: Client) -> None:
    client.force_login(make_person(Role.PAYER, "petra"))

    def see() -> tuple[set[str], dict[str, str]]:
        page = client.get("/campaigns/try/").content.decode()
        waiting = re.findall(r"<dt>([^<]+)</dt><dd class=\"us-soft\">([^<]+)</dd>", page)
        return set(re.findall(r"/campaigns/try/work/([a-z-]+)/", page)), dict(waiting)

    offered, waiting = see()
    assert offered == {"publish", "raise-cap", "delete"}
    assert waiting["Collect answers"] == "The campaign is not published yet."
    Campaign.objects.update(state="collecting", published_at=NOW)
    offered, waiting = see()
    assert {"collect", "approve", "withdraw", "close"} <= offered
    assert waiting["Label the units"] == "Nobody has answered yet."
    assert waiting["Pay top-ups"] == "No answer is approved yet."
    assert waiting["Delete the campaign"] == "HITs of it were published."
    make_answer(hit=campaign.hits.earliest("id"), state="submitted", description="lamp", submitted_at=NOW)
    Campaign.objects.update(state="complete")
    offered, waiting = see()
    assert {"approve", "label"} <= offered
    assert (waiting["Collect answers"], waiting["Compare with labeled pixels"]) == (
        "All answers are in.", "The units are not labeled yet."
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["withdraw", "close", "delete", "throw-away"])
def test_what_cannot_be_undone_is_confirmed(campaign: Campaign, client: Client, kind: str) -> None:
    client.force_login(make_person(Role.PAYER, "petra"))
    Campaign.objects.update(state="collecting", published_at=NOW)
    refused = client.post(f"/campaigns/try/work/{kind}/")
    assert (refused.status_code, "This cannot be undone." in refused.content.decode()) == (422, True)
    assert not Job.objects.exists()
