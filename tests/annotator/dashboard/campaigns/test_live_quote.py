"""A campaign's form says what it would cost while it is filled in, and can be filled in like an existing campaign."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_campaign, make_dissection
from tests.annotator.dashboard.making import sign_in

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}


@pytest.fixture
def dissection(tmp_path: Path) -> Dissection:
    return make_dissection(tmp_path, n_units=4)


@pytest.fixture
def client(dissection: Dissection) -> Client:
    return sign_in(Role.RESEARCHER)


def quote(client: Client, form: dict[str, Any]) -> str:
    shown = client.post("/launch/quote", form, headers=PART)
    assert shown.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.content.decode()))


def test_the_price_is_that_of_composing_and_nothing_is_written(client: Client, dissection: Dissection) -> None:
    form = {
        "dissection": dissection.pk, "top_iou": 1, "random": 1, "units": "features.3:1", "assignments": 3,
        "reward": "0.60", "marketplace": "own", "template": "unit_semantics", "budget": "100", "seed": 5,
        "policy": "accept and score", "requester_name": "A lab", "name": "",
    }  # fmt: skip
    assert "Still needed for a price: dissections." in quote(client, form | {"dissection": ""})
    assert "Still needed for a price: reward per answer (usd)." in quote(client, form | {"reward": "0."})
    said = quote(client, form)
    assert "Units 3 Total $6.48 cap $100.00 Rewards $5.40 Fees $1.08 Answers 9 on 3 HITs" in said
    assert "above the cap" not in said
    assert "The price is above the cap" in quote(client, form | {"budget": "6.47"})
    assert "features.3:x" in quote(client, form | {"units": "features.3:x"}), "why it cannot be read"
    for wrong in ({"top_iou": "3000"}, {"units": "features.3:0-999999999"}, {"random": "x"}):
        assert "Total" not in quote(client, form | wrong), "no price of other units than those asked for"
    assert not Campaign.objects.exists()
    composed = client.post("/launch/", form | {"name": "real", "units": "", "random": 2})
    assert composed.status_code == 302
    assert Campaign.objects.get().quote["total_usd"] == "6.48"


def test_changed_terms_are_priced_before_they_are_sent(client: Client, dissection: Dissection) -> None:
    campaign = make_campaign(dissection, n_assignments=2)
    form = {"assignments": 5, "reward": "1.00", "marketplace": "own", "budget": "100"}
    shown = client.post(f"/campaigns/{campaign.name}/edit/quote", form, headers=PART).content.decode()
    assert "$24.00" in shown
    assert "20 <small>on 4 HITs" in shown
    campaign.refresh_from_db()
    assert campaign.n_assignments == 2


def test_a_campaign_is_composed_like_another(client: Client, dissection: Dissection) -> None:
    form = {
        "name": "one", "dissection": dissection.pk, "top_iou": 1, "random": 1, "units": "features.3:3",
        "assignments": 4, "reward": "0.70", "marketplace": "own", "template": "unit_semantics", "budget": "90",
        "seed": 5, "policy": "must find", "requester_name": "A lab", "country": "DE",
    }  # fmt: skip
    assert client.post("/launch/", form).status_code == 302
    first = Campaign.objects.get()
    assert "/launch/?like=one" in client.get("/campaigns/one/").content.decode()
    filled = client.get("/launch/?like=one").context["form"]
    asked = {name: filled.get_initial_for_field(field, name) for name, field in filled.fields.items()}
    assert asked["name"] == "one-2"
    sent = {name: value for name, value in asked.items() if value not in (None, "", [], ())}
    assert client.post("/launch/", sent).status_code == 302
    second = Campaign.objects.get(name="one-2")
    for column in ("n_assignments", "reward_usd", "budget_cap_usd", "seed", "policy", "qualifications", "quote"):
        assert getattr(second, column) == getattr(first, column), column
    units = [set(one.hits.values_list("hit_units__unit", flat=True)) for one in (first, second)]
    assert units[0] == units[1]
    assert client.get("/launch/?like=nothing").status_code == 422


def test_a_country_of_an_older_version_is_refused_and_not_left_out(client: Client, dissection: Dissection) -> None:
    campaign = make_campaign(dissection)
    Campaign.objects.update(qualifications={"locales": ["UK", "DE"]})
    for address, changes in (
        (f"/campaigns/{campaign.name}/edit/", {"reward": "0.90"}),
        (f"/launch/?like={campaign.name}", {"dissection": dissection.pk}),
    ):
        form = client.get(address).context["form"]
        asked = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        sent = {name: value for name, value in asked.items() if value not in (None, "", [], ())} | changes
        refused = client.post(address, sent).content.decode()
        assert "&#x27;UK&#x27; is no country" in refused, address
        assert '<option value="UK" selected>' in refused, address
    assert Campaign.objects.get().qualifications == {"locales": ["UK", "DE"]}
    sent = {name: value for name, value in sent.items() if name != "name"}
    assert client.post(f"/campaigns/{campaign.name}/edit/", sent | {"country": ["GB", "DE"]}).status_code == 302
    assert Campaign.objects.get().qualifications["locales"] == ["GB", "DE"]


def test_units_and_why_they_were_chosen_are_listed_before_anybody_is_asked(
    client: Client, dissection: Dissection
) -> None:
    form = {
        "name": "one", "dissection": dissection.pk, "top_iou": 1, "random": 1, "units": "features.3:3",
        "assignments": 1, "reward": "0.70", "marketplace": "own", "template": "unit_semantics", "budget": "90",
        "seed": 5, "policy": "must find", "requester_name": "A lab",
    }  # fmt: skip
    client.post("/launch/", form)
    page = client.get("/campaigns/one/").content.decode()
    reasons = re.findall(r'data-label="Chosen because">([^<]+)<', page)
    assert {reason.split()[0] for reason in reasons} >= {"among", "drawn"}
    assert "Where people find it" not in page
