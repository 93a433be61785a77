"""Review: blind first, then with the evidence; a decision changes the label, ends the waiting and is logged."""

import re
from decimal import Decimal

import pytest
from django.db.models import F
from django.test import Client

from annotator.accounts.auditing import verify_audit_log
from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.models import Campaign
from annotator.dashboard.review.pages import find_waiting
from annotator.labels.models import UnitLabel
from annotator.units.models import Unit
from annotator.work.models import Job
from tests.annotator.dashboard.making import World, make_person, sign_in


@pytest.fixture
def reviewer(db: None) -> Client:
    return sign_in(Role.REVIEWER)


def label_of(index: int) -> UnitLabel:
    return UnitLabel.objects.get(unit__index=index)


def decide(client: Client, index: int, action: str, into: str = "", seen_blind: str = "") -> int:
    address = f"/review/try/{label_of(index).pk}/decide/"
    return client.post(address, {"action": action, "into": into, "seen_blind": seen_blind}).status_code


def test_what_people_or_pixels_contradict_waits(world: World) -> None:
    # Unit 0: one of three names the concept. Unit 2: "striped" with precision .76, and "gadget 2" with IoU .06.
    assert [label.unit.index for label in find_waiting(world.campaign)] == [0, 2]
    UnitLabel.objects.filter(unit__index=2).update(precision=0.75)
    assert [label.unit.index for label in find_waiting(world.campaign)] == [0]
    UnitLabel.objects.filter(unit__index=2).update(precision=0.9)
    UnitLabel.objects.filter(unit__index=3).update(n_same_category=1)
    assert [label.unit.index for label in find_waiting(world.campaign)] == [0, 2, 3]


def test_blind_the_server_tells_nothing_but_the_crops(world: World, reviewer: Client) -> None:
    label = label_of(0)
    page = reviewer.get(f"/review/try/{label.pk}/").content.decode()
    inner = page[page.index("<main") : page.index("</main")]
    for secret in ("wheel", "something else", "object part", "gadget 0", "equal", "does not fit"):
        assert secret not in inner, secret
    assert inner.count("us-tile") > 12
    shown = reviewer.get(f"/review/try/{label.pk}/?evidence=1&word=hubcap").content.decode()
    for told in ("wheel", "something else", "object part", "gadget 0", "you wrote: hubcap", "simulated"):
        assert told in shown, told


def test_accepting_ends_the_waiting_and_is_logged(world: World, reviewer: Client) -> None:
    assert decide(reviewer, 0, "accept", seen_blind="hubcap") == 302
    assert label_of(0).accepted_at is not None
    assert [label.unit.index for label in find_waiting(world.campaign)] == [2]
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.subject, entry.actor_name) == ("accept", "unit net/features.3/0", "reviewer")
    assert entry.details["seen_blind"] == "hubcap"
    assert verify_audit_log().n_entries == AuditEntry.objects.count()


def test_renaming_gives_the_unit_the_word_and_compares_anew(world: World, reviewer: Client) -> None:
    assert decide(reviewer, 0, "rename", into="Gadget 0") == 302
    label = label_of(0)
    assert label.concept == "gadget 0"
    assert label.comparison.relation == "equal"
    assert AuditEntry.objects.latest("id").details["to"] == "gadget 0"
    assert "gadget 0" in reviewer.get("/units/net/features.3/0/").content.decode()


def test_a_decision_leaves_every_other_label_as_it_was(world: World, reviewer: Client) -> None:
    others = UnitLabel.objects.exclude(unit__index=0).order_by("pk")
    before = list(others.values())
    for action, word in (("rename", "rim"), ("accept", "")):
        assert decide(reviewer, 0, action, into=word) == 302
    assert list(others.values()) == before


def test_merging_reaches_every_unit_of_the_campaign(world: World, reviewer: Client) -> None:
    before = {label.unit.index: label.concept for label in UnitLabel.objects.select_related("unit")}
    same = [index for index, concept in before.items() if concept == before[0]]
    assert same == [0, 4]
    assert decide(reviewer, 0, "merge", into="rim") == 302
    after = {label.unit.index: label.concept for label in UnitLabel.objects.select_related("unit")}
    assert after == {index: "rim" if index in same else concept for index, concept in before.items()}


@pytest.mark.parametrize(("action", "status"), [("rename", 422), ("merge", 422), ("drop", 400), ("", 400)])
def test_a_decision_without_sense_is_refused_and_nothing_changes(
    world: World, reviewer: Client, action: str, status: int
) -> None:
    before = list(UnitLabel.objects.values_list("concept", "accepted_at"))
    assert decide(reviewer, 0, action, into="  ") == status
    assert list(UnitLabel.objects.values_list("concept", "accepted_at")) == before
    assert not AuditEntry.objects.exists()


def test_skipping_goes_on_and_the_last_leads_back(world: World, reviewer: Client) -> None:
    first, second = (label_of(index).pk for index in (0, 2))
    begun = reviewer.get("/review/try/next/", follow=True)
    assert begun.redirect_chain[-1][0] == f"/review/try/{first}/"
    skipped = reviewer.post(f"/review/try/{first}/decide/", {"action": "skip"}, follow=True)
    assert skipped.redirect_chain[-1][0] == f"/review/try/{second}/"
    over = reviewer.post(f"/review/try/{second}/decide/", {"action": "skip"}, follow=True)
    assert over.redirect_chain[-1][0] == "/review/?campaign=try"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESEARCHER])
def test_deciding_takes_a_reviewer(world: World, role: Role) -> None:
    client = sign_in(role)
    assert client.get(f"/review/try/{label_of(0).pk}/").status_code == 403
    assert decide(client, 0, "accept") == 403
    assert label_of(0).accepted_at is None


def test_a_unit_that_was_never_published_cannot_be_sent_back(world: World, reviewer: Client) -> None:
    response = reviewer.post("/campaigns/try/more/", {"label": label_of(0).pk})
    assert response.status_code == 422
    assert not AuditEntry.objects.exists()


def test_what_the_cap_does_not_cover_is_told_at_once(world: World, reviewer: Client) -> None:
    world.campaign.hits.filter(hit_units__unit__index=0).update(external_id="HIT0")
    Campaign.objects.update(budget_cap_usd=F("committed_usd") + Decimal("1.19"))
    sent = {"action": "ask-more", "into": "hubcap", "seen_blind": "rim"}
    refused = reviewer.post(f"/review/try/{label_of(0).pk}/decide/", sent)
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "2 more answers cost $1.20, and $1.19 of the cap is left." in page
    for typed in ('value="hubcap"', "you wrote: rim"):
        assert typed in page, "nothing that was typed is lost"
    assert not AuditEntry.objects.exists()


def test_a_unit_sent_back_goes_to_the_web_queue(
    world: World, reviewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, list[object]]] = []
    monkeypatch.setattr("workers.app.app.send_task", lambda name, args, queue: sent.append((name, args)))
    hit = world.campaign.hits.get(hit_units__unit=Unit.objects.get(index=0))
    hit.external_id = "HIT0"
    hit.save()
    assert decide(reviewer, 0, "ask-more") == 302
    job = Job.objects.get()
    assert sent == [("work.run", [job.pk])]
    assert (job.step, job.actor_name, job.state) == ("ask-more", "reviewer", "waiting")


def test_of_two_who_decide_about_one_unit_the_second_is_told(world: World, reviewer: Client) -> None:
    address = f"/review/try/{label_of(0).pk}/"
    seen_at = reviewer.get(f"{address}?evidence=1").context["label"].labeled_at.isoformat()
    assert f'name="seen_at" value="{seen_at}"' in reviewer.get(f"{address}?evidence=1").content.decode()
    first = {"action": "rename", "into": "hubcap", "seen_at": seen_at}
    assert reviewer.post(f"{address}decide/", first).status_code == 302
    second = Client()
    second.force_login(make_person(Role.REVIEWER, name="second"))
    for changed in ({"action": "rename", "into": "wolf"}, {"action": "accept"}, {"action": "merge", "into": "wolf"}):
        page = second.post(f"{address}decide/", {**changed, "seen_at": seen_at})
        assert page.status_code == 422
        assert "called “hubcap” by now" in page.content.decode()
    assert label_of(0).concept == "hubcap"
    assert AuditEntry.objects.latest("id").actor_name == "reviewer"


def test_what_was_typed_is_the_default_and_an_empty_name_is_answered_in_place(world: World, reviewer: Client) -> None:
    address = f"/review/try/{label_of(0).pk}/"
    page = reviewer.get(f"{address}?evidence=1&word=hubcap").content.decode()
    form = page[page.index(f'action="{address}decide/"', page.index("us-columns")) :]
    buttons = re.findall(r'<button[^>]*name="action" value="([a-z-]+)"', form)
    assert buttons == ["rename", "accept", "merge", "ask-more"], "a browser presses the first one on Enter"
    refused = reviewer.post(f"{address}decide/", {"action": "rename", "into": " "})
    assert refused.status_code == 422
    assert "A concept needs a name." in refused.content.decode()
    assert "What others say" in refused.content.decode()


def test_the_last_decision_can_be_undone_and_the_log_keeps_both(world: World, reviewer: Client) -> None:
    before = list(UnitLabel.objects.order_by("pk").values("concept", "accepted_at"))
    assert decide(reviewer, 0, "rename", into="Gadget 0") == 302
    listed = reviewer.get("/review/")
    assert "Unit 0 of features.3 is called “gadget 0” from now on." in listed.content.decode()
    undone = reviewer.post("/review/try/undo/", {"decision": listed.context["undoable"].pk}, follow=True)
    assert undone.redirect_chain[-1][0] == f"/review/try/{label_of(0).pk}/"
    assert "(unit 0 of features.3)." in undone.content.decode()
    after = label_of(0)
    assert (after.concept, after.accepted_at) == ("wheel", None), "as people name it"
    assert list(UnitLabel.objects.order_by("pk").values("concept", "accepted_at"))[1:] == before[1:]
    assert after.comparison.relation == "different", "compared anew"
    assert list(AuditEntry.objects.order_by("-id").values_list("action", flat=True)[:2]) == ["undo-decision", "rename"]
    assert verify_audit_log().n_entries == AuditEntry.objects.count()
    refused = reviewer.post("/review/try/undo/", {"decision": listed.context["undoable"].pk})
    assert refused.status_code == 422
    assert "no decision in this campaign that could be undone" in refused.content.decode()


def test_home_says_how_many_units_wait_for_a_reviewer(world: World, reviewer: Client) -> None:
    assert reviewer.get("/live").context["n_to_review"] == 2
    decide(reviewer, 2, "accept")
    home = reviewer.get("/")
    assert (home.context["n_to_review"], home.context["review_first"]) == (1, "try")
    assert 'href="/review/?campaign=try"' in home.content.decode()
