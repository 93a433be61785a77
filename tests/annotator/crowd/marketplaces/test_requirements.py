"""Qualifications: what the marketplace is sent, what the worker reads before accepting, what is refused."""

from typing import Any

import pytest
from django.test import Client

from annotator.crowd.hit_types.screening import load_screening
from annotator.crowd.marketplaces.mturk.wire import render_requirements
from annotator.crowd.marketplaces.requirements import BadQualification, check_qualifications, explain_requirements
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign
from annotator.sandbox.acts import granting
from annotator.sandbox.models import QualificationType
from annotator.sandbox.questions.answers import Answer
from annotator.sandbox.rules.refusals import Refused
from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_campaign

ASKED = {"locales": ["US", "CA"], "min_approval_percent": 95, "min_approved": 100}


def test_each_requirement_is_sent_and_explained() -> None:
    sent = render_requirements(ASKED)
    assert [row["Comparator"] for row in sent] == ["In", "GreaterThanOrEqualTo", "GreaterThanOrEqualTo"]
    assert sent[0]["LocaleValues"] == [{"Country": "US"}, {"Country": "CA"}]
    assert {row["ActionsGuarded"] for row in sent} == {"Accept"}  # everybody may look and read why
    assert len(explain_requirements(ASKED)) == 3
    assert render_requirements({}) == explain_requirements({}) == []


@pytest.mark.parametrize("bad", [{"locales": ["usa"]}, {"min_approval_percent": 101}, {"min_approved": -1}])
def test_what_no_marketplace_could_check_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(BadQualification):
        check_qualifications(bad, facts=open_marketplace("own").facts)


@pytest.mark.django_db(transaction=True)
def test_the_sandbox_keeps_out_who_is_not_qualified_and_the_preview_says_why(
    market: Any, dissection: Dissection
) -> None:
    campaign = make_campaign(dissection, qualifications={"locales": ["DE"]}, max_hits_per_worker=2)
    market.publish(campaign)
    hit = campaign.hits.order_by("id").first()
    with pytest.raises(Refused):
        market.accept(hit, "ada")  # who lives in the US
    page = Client().get(f"/hit/{hit.public_id}/").content.decode()
    assert "You live in one of these countries: DE." in page
    assert "at most 2 HITs" in page


@pytest.mark.django_db
def test_who_worked_in_an_excluded_campaign_is_told_so(dissection: Dissection, visit: Any, campaign: Campaign) -> None:
    first = visit()
    first.submit(first.start()["work_token"])
    later = make_campaign(dissection, name="later", qualifications={"excluded_campaigns": [campaign.name]})
    second = visit(hit=later.hits.order_by("id").last(), assignment_id="A2")
    refused = second.open()
    assert refused.status_code == 403
    assert "earlier study" in refused.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_screening_test_is_offered_once_explained_and_keeps_out_who_fails(
    market: Any, dissection: Dissection
) -> None:
    asked = {"screening": {"least_percent": 75}}
    campaigns = [make_campaign(dissection, name=name, qualifications=dict(asked)) for name in ("first", "second")]
    for campaign in campaigns:
        market.publish(campaign)
    kind = QualificationType.objects.get()  # both campaigns ask for the same one
    hit = campaigns[0].hits.earliest("id")
    assert "short test with at least 75 of 100 points" in Client().get(f"/hit/{hit.public_id}/").content.decode()
    right = [row.right for row in load_screening("unit_semantics").questions]
    for name, answers in (("ada", right), ("bob", [0] * len(right))):
        person = market.enroll(name)
        request = granting.start_request(kind, person, now=market.clock())
        given = [Answer(f"q{number}", selections=(f"c{place}",)) for number, place in enumerate(answers, start=1)]
        granting.submit_test(request, given, now=market.clock())
    market.accept(hit, "ada")
    with pytest.raises(Refused):
        market.accept(hit, "bob")
