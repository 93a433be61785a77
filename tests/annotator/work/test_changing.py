"""Campaigns are changed and deleted until they are published; a rehearsal is thrown away whole; the log stays."""

from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from annotator.accounts.auditing import verify_audit_log
from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.campaigns.deleting import CannotDelete
from annotator.crowd.campaigns.editing import CannotEdit
from annotator.crowd.models import HIT, Answer, Assignment, Campaign, HITType, OutwardAct, Rejection
from annotator.labels.models import UnitLabel
from annotator.labels.recording import label_campaign
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.units.models import Dissection
from annotator.work import tasks
from annotator.work.confirming import NotConfirmed
from annotator.work.models import Job
from annotator.work.performing import perform, prepare, write_job
from annotator.work.steps.changing import ConfirmOptions, EditOptions
from annotator.work.table import STEPS
from tests.annotator.crowd.fixtures import dissection, market
from tests.annotator.crowd.making import NOW, make_campaign
from tests.annotator.dashboard.making import make_person, sign_in

__all__ = ["dissection", "market"]
pytestmark = pytest.mark.django_db(transaction=True)
YES = ConfirmOptions(yes=True)
PERSON = "simulated-careful-1"


def act(name: str, campaign: Campaign, options: Any = None) -> str:
    return perform(STEPS[name], subject=campaign, actor=None, options=options).sentence


def call(*words: str) -> str:
    out = StringIO()
    call_command("campaign", *words, stdout=out)
    return out.getvalue()


def test_terms_are_changed_and_quoted_again_and_the_log_tells_what_they_were(dissection: Dissection) -> None:
    campaign = make_campaign(
        dissection, contact="lab@example.org", qualifications={"locales": ["US"]}, real_money_confirmed_at=NOW
    )
    said = call("try", "edit", "--assignments", "5", "--reward", "0.80", "--contact", "", "--screening", "70")
    assert said.startswith("Changed: assignments, contact, reward, screening. The quote is $19.20 now.")
    campaign.refresh_from_db()
    assert (campaign.n_assignments, campaign.reward_usd, campaign.contact) == (5, Decimal("0.80"), "")
    assert campaign.real_money_confirmed_at is None, "the terms of before were confirmed"
    assert campaign.qualifications == {"locales": ["US"], "screening": {"least_percent": 70}}
    assert set(campaign.hits.values_list("n_assignments", flat=True)) == {5}
    details = AuditEntry.objects.get(action="edit").details
    assert details["before"]["reward_usd"] == "0.50"
    assert call("try", "edit", "--country", "", "--screening", "0").startswith("Changed: country, screening.")
    campaign.refresh_from_db()
    assert campaign.qualifications == {}
    with pytest.raises(CommandError, match=r"This costs \$19.20 with fees, more than the cap of \$10.00"):
        call("try", "edit", "--budget", "10")
    with pytest.raises(CommandError, match="Say what is to change"):
        call("try", "edit")
    campaign.refresh_from_db()
    assert campaign.budget_cap_usd == Decimal("100.00")
    assert AuditEntry.objects.filter(action="edit").count() == 2


def test_the_form_shows_the_terms_and_an_emptied_field_takes_a_value_away(dissection: Dissection) -> None:
    campaign = make_campaign(
        dissection, max_assignments=6, lifetime_seconds=5 * 86_400, qualifications={"locales": ["US", "DE"]}
    )
    client, address = sign_in(Role.RESEARCHER), reverse("campaign-edit", args=["try"])
    assert address in client.get(reverse("campaign", args=["try"])).content.decode()
    initial = client.get(address).context["form"].initial
    assert (initial["country"], initial["lifetime"], initial["max_assignments"]) == (["US", "DE"], 5.0, 6)
    fields = {name: value for name, value in initial.items() if value is not None}
    assert client.post(address, fields | {"lifetime": "", "max_assignments": "", "country": ["FR"]}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.lifetime_seconds, campaign.max_assignments) == (None, None)
    assert campaign.qualifications == {"locales": ["FR"]}
    assert (campaign.n_assignments, campaign.reward_usd) == (3, Decimal("0.50"))
    too_dear = client.post(address, fields | {"budget": "1.00"})
    assert b"more than the cap of $1.00" in too_dear.content
    assert sign_in(Role.VIEWER).get(address).status_code == 403


def test_what_was_never_published_is_deleted_and_its_name_is_free(dissection: Dissection) -> None:
    campaign = make_campaign(dissection)
    paula = make_person(Role.PAYER)
    asked = prepare(STEPS["label"], subject=campaign, actor=paula, options=None, permit=None)
    waiting = write_job(STEPS["label"], work=asked)
    with pytest.raises(NotConfirmed, match="campaign try and its HITs are deleted"):
        act("delete", campaign)
    client = sign_in(Role.RESEARCHER)
    answer = client.post(reverse("campaign-work", args=["try", "delete"]), {"yes": "on"})
    assert answer["Location"] == reverse("campaigns")
    for table in (Campaign, HITType, HIT):
        assert not table.objects.exists()
    job = Job.objects.get(step="delete")
    assert (job.state, job.campaign) == ("done", None)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.actor_name) == ("delete", "campaign try", "researcher")
    tasks.run(waiting.pk)  # what was asked before
    waiting.refresh_from_db()
    assert (waiting.state, waiting.sentence) == ("refused", "What this is about was deleted meanwhile.")
    progress = client.get(reverse("campaign-progress", args=["try"]), headers={"HX-Request": "true"})
    assert progress["HX-Redirect"] == reverse("campaigns"), "an open page is left"
    make_campaign(dissection)


def test_what_the_marketplace_knows_is_neither_changed_nor_deleted(market: Any, dissection: Dissection) -> None:
    campaign = make_campaign(dissection)
    campaign.hit_types.update(external_id="TYPE")
    with pytest.raises(CannotEdit, match="knows the terms of try already"):
        act("edit", campaign, EditOptions(assignments=2))
    campaign.hit_types.update(external_id="")
    market.publish(campaign)
    campaign.refresh_from_db()
    for name, options in (("edit", EditOptions(assignments=2)), ("delete", YES)):
        with pytest.raises(CannotDelete, match="were sent to the marketplace own"):
            act(name, campaign, options)
    client = sign_in(Role.RESEARCHER)
    assert client.get(reverse("campaign-edit", args=["try"])).status_code == 422
    assert campaign.hits.count() == 4
    imported = make_campaign(dissection, name="imported", is_imported=True)
    with pytest.raises(CannotDelete, match="were imported"):
        act("delete", imported, YES)


def test_a_refused_publication_can_be_deleted(dissection: Dissection) -> None:
    campaign = make_campaign(dissection)
    OutwardAct.objects.create(campaign=campaign, verb="register", key="r", state="failed", created_at=NOW)
    OutwardAct.objects.create(campaign=campaign, verb="publish", key="p", state="unknown", created_at=NOW)
    with pytest.raises(CannotDelete):
        act("delete", campaign, YES)
    OutwardAct.objects.filter(key="p").update(state="failed")
    assert act("edit", campaign, EditOptions(reward=Decimal("0.70"))).startswith("Changed: reward.")
    assert not OutwardAct.objects.exists(), "they hold the terms of before"
    assert act("delete", campaign, YES) == "Deleted. Nothing of it was published."


def test_a_rehearsal_is_thrown_away_whole(market: Any, dissection: Dissection) -> None:
    campaign, kept = make_campaign(dissection), make_campaign(dissection, name="kept")
    for one in (campaign, kept):
        market.publish(one)
    first, second, *_ = campaign.hits.order_by("id")
    market.work(first, PERSON)
    act("collect", campaign)
    act("approve", campaign)
    market.work(second, PERSON)  # not collected yet
    market.work(kept.hits.earliest("id"), "simulated-careful-2")
    for one in (campaign, kept):
        act("collect", one)
        label_campaign(campaign=one, now=NOW)
    assert UnitLabel.objects.filter(campaign=None).exists(), "pooled over both"
    with pytest.raises(NotConfirmed, match="answers and labels of try"):
        act("throw-away", campaign)
    assert campaign.hits.filter(state="published").exists()

    said = act("throw-away", campaign, YES)
    assert said.startswith("Thrown away: 4 HITs with 2 answers by simulated people. $0.60 was paid to them before;")
    assert list(Campaign.objects.values_list("name", flat=True)) == ["kept"]
    assert {row.hit.campaign for row in Assignment.objects.select_related("hit__campaign")} == {kept}
    assert Answer.objects.count() == 1
    assert [label.campaign for label in UnitLabel.objects.filter(is_of_record=True)] == [kept]
    assert UnitLabel.objects.count() == 1
    held = {hit.mturk_id: hit.held_usd for hit in SandboxHIT.objects.all()}
    alive = set(kept.hits.values_list("external_id", flat=True))
    assert all(held[one] > 0 for one in alive)
    assert all(usd == 0 for one, usd in held.items() if one not in alive), "all that was not paid is free again"
    actions = list(AuditEntry.objects.filter(subject="campaign try").values_list("action", flat=True))
    assert actions == ["collect", "approve", "collect", "throw-away"]
    verify_audit_log()


def test_what_a_visit_submitted_that_nobody_confirmed_is_not_thrown_away(market: Any, dissection: Dissection) -> None:
    campaign = make_campaign(dissection)
    market.publish(campaign)
    hit = campaign.hits.earliest("id")
    market.work(hit, PERSON)
    person = Assignment.objects.get(worker__is_simulated=True).worker
    claim = {"hit": hit, "state": "kept", "external_id": "A1"}
    Assignment.objects.create(**claim, claimed_by=person.pseudonym, visit_key="1")  # returned by a simulated person
    kept = Assignment.objects.create(**claim, claimed_by="somebody", visit_key="2")
    with pytest.raises(CannotDelete, match="1 person who is not simulated worked on try"):
        act("throw-away", campaign, YES)
    kept.delete()
    assert act("throw-away", campaign, YES).startswith("Thrown away: ")


def test_what_people_answered_is_not_thrown_away(market: Any, dissection: Dissection) -> None:
    campaign = make_campaign(dissection)
    market.publish(campaign)
    hit = campaign.hits.earliest("id")
    market.work(hit, PERSON)
    market.accept(hit, "ann").start()
    with pytest.raises(CannotDelete, match="1 person who is not simulated worked on try"):
        act("throw-away", campaign, YES)
    assert campaign.hits.filter(state="published").count() == 4
    assert not Rejection.objects.exists()
    campaign.marketplace = "mturk"
    with pytest.raises(CannotDelete, match="no rehearsal"):
        act("throw-away", campaign, YES)
