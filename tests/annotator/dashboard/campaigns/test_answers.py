"""Answers one by one: who may decide what, a second person for rejections, everything logged."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.db.models import F
from django.test import Client

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.models import Answer, Assignment, Campaign, HITUnit, Rejection
from annotator.units.models import Layer
from annotator.work.models import Job
from tests.annotator.dashboard.making import World, make_person, sign_in

REASON = "The planted negatives were all left unmarked."


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[object]]]:
    kept: list[tuple[str, list[object]]] = []
    monkeypatch.setattr("workers.app.app.send_task", lambda name, args, queue: kept.append((name, args)))
    return kept


def told(sent: list[tuple[str, list[object]]]) -> list[tuple[str, str]]:
    """Of each message its job's step and who asked."""
    assert {name for name, _ in sent} == {"work.run"}
    jobs = Job.objects.in_bulk([pk for _, (pk,) in sent])
    return [(job.step, job.actor_name) for job in jobs.values()]


def submitted() -> Assignment:
    return Assignment.objects.filter(state="submitted").earliest("pk")


def decide(client: Client, decision: str, reason: str = "") -> int:
    return client.post(
        f"/campaigns/try/answers/{submitted().pk}/", {"decision": decision, "reason": reason}
    ).status_code


def client_of(role: Role, name: str) -> Client:
    client = Client()
    client.force_login(make_person(role, name))
    return client


def test_the_list_shows_every_answer_and_filters_by_state(world: World, viewer: Client) -> None:
    counted = {
        query: viewer.get(f"/campaigns/try/answers/{query}").content.decode().count("us-said")
        for query in ("", "?state=submitted", "?state=approved", "?state=rejected")
    }
    assert list(counted.values()) == [15, 10, 5, 0]
    assert viewer.get("/campaigns/try/answers/?state=x").status_code == 400
    assert viewer.get("/campaigns/try/answers/?worker__external_id=x").status_code == 400


def test_a_decision_leads_back_to_where_it_was_taken(world: World) -> None:
    reviewer, answer = sign_in(Role.REVIEWER), submitted()
    page = reviewer.get("/campaigns/try/answers/?state=submitted&page=1").content.decode()
    (form,) = re.findall(rf'action="(/campaigns/try/answers/{answer.pk}/[^"]*)"', page)
    answered = reviewer.post(unescape(form), {"decision": "leave-out-answer", "reason": "A test of ours"})
    assert answered["Location"] == f"/campaigns/try/answers/?state=submitted&page=1#answer-{answer.pk}"


def test_leaving_out_needs_a_reason_and_can_be_undone(world: World) -> None:
    reviewer = sign_in(Role.REVIEWER)
    assert decide(reviewer, "leave-out-answer") == 422
    assert not AuditEntry.objects.exists()
    assert decide(reviewer, "leave-out-answer", "A test of ours") == 302
    assert (submitted().is_left_out, submitted().left_out_reason) == (True, "A test of ours")
    assert decide(reviewer, "count-answer") == 302
    assert not submitted().is_left_out
    assert submitted().count_decided_by == AuditEntry.objects.latest("pk").actor_name
    assert AuditEntry.objects.latest("pk").details["had been left out because"] == "A test of ours"
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["leave-out-answer", "count-answer"]


def test_a_rejection_takes_two_people(world: World, sent: list[tuple[str, list[object]]]) -> None:
    first, second = client_of(Role.PAYER, "first"), client_of(Role.PAYER, "second")
    assert decide(first, "propose-rejection", "bad") == 422
    assert decide(first, "propose-rejection", REASON) == 302
    assert Rejection.objects.get().proposed_by == "first"
    (person,) = Rejection.objects.values_list("assignment__worker__pseudonym", flat=True)
    assert f"/campaigns/try/answers/?person={person}" in second.get("/campaigns/try/attention").content.decode()
    listed = second.get(f"/campaigns/try/answers/?person={person}").content.decode()
    assert "A second person who may pay confirms it." in listed
    assert "at least 20 characters" in listed
    assert decide(first, "confirm-rejection") == 422
    assert sent == []
    assert decide(second, "confirm-rejection") == 302
    assert told(sent) == [("confirm-rejection", "second")]


def test_a_proposal_can_be_withdrawn(world: World) -> None:
    reviewer = sign_in(Role.REVIEWER)
    assert decide(reviewer, "withdraw-proposal") == 422
    decide(reviewer, "propose-rejection", REASON)
    assert decide(reviewer, "withdraw-proposal") == 302
    assert not Rejection.objects.exists()


def test_roles_and_unknown_decisions(world: World, viewer: Client, sent: list[tuple[str, list[object]]]) -> None:
    reviewer, payer = sign_in(Role.REVIEWER), sign_in(Role.PAYER)
    assert decide(viewer, "leave-out-answer", "A reason") == 403
    assert decide(reviewer, "approve-answer") == 403
    assert decide(reviewer, "confirm-rejection") == 403
    assert decide(payer, "delete") == 400
    assert sent == []
    assert decide(payer, "approve-answer") == 302
    assert told(sent) == [("approve-answer", "payer")]


def test_pausing_is_logged_and_undone(world: World, viewer: Client) -> None:
    researcher = sign_in(Role.RESEARCHER)
    assert viewer.post("/campaigns/try/pause/").status_code == 403
    for values, is_paused in (({}, True), ({"resume": "1"}, False)):
        assert researcher.post("/campaigns/try/pause/", values).status_code == 302
        world.campaign.refresh_from_db()
        assert world.campaign.is_paused is is_paused
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["pause", "resume"]


def test_real_money_is_refused_without_its_confirmations(
    world: World, settings: object, sent: list[tuple[str, list[object]]]
) -> None:
    world.campaign.marketplace = "mturk"
    world.campaign.save()
    payer, researcher = sign_in(Role.PAYER), sign_in(Role.RESEARCHER)
    address = "/campaigns/try/work/publish/"
    all_given = {"real_money": "on", "typed_name": "try"}
    assert researcher.post(address, all_given).status_code == 403
    assert payer.post(address, all_given).status_code == 403  # the operator's setting is off
    settings.REAL_MONEY_ALLOWED = True  # type: ignore[attr-defined]
    assert payer.post(address, {"real_money": "on", "typed_name": "tri"}).status_code == 403
    assert payer.post(address, {"typed_name": "try"}).status_code == 403
    assert sent == []
    assert payer.post(address, all_given).status_code == 302
    assert told(sent) == [("publish", "payer")]


def test_what_nobody_decides_says_when_it_is_approved(world: World, viewer: Client) -> None:
    at = datetime(2026, 11, 30, 8, 5, tzinfo=UTC)
    Assignment.objects.filter(state="submitted").update(auto_approval_at=at)
    page = viewer.get("/campaigns/try/answers/?state=submitted").content.decode()
    assert "will be approved automatically at 2026-11-30 08:05" in page
    assert "approved automatically" not in viewer.get("/campaigns/try/answers/?state=approved").content.decode()


def test_a_screening_test_is_asked_for_where_the_hit_type_has_one(world: World) -> None:
    researcher = sign_in(Role.RESEARCHER)
    asked = {
        "name": "screened", "dissection": [world.dissection.pk], "top_iou": 1, "random": 0, "assignments": 2,
        "reward": "0.50", "budget": "50", "marketplace": "own", "seed": 1, "template": "unit_semantics",
        "policy": "accept and score", "requester_name": "A lab", "screening": 75,
    }  # fmt: skip
    assert researcher.post("/launch/", asked).status_code == 302
    assert Campaign.objects.get(name="screened").qualifications == {"screening": {"least_percent": 75}}
    refused = researcher.post("/launch/", asked | {"name": "other", "template": "verify_label"})
    assert "has no screening test" in refused.content.decode()


def test_suspicions_follow_answers_that_changed_while_their_number_stayed(world: World, viewer: Client) -> None:
    before = viewer.get("/campaigns/try/answers/").content.decode()
    answer = Answer.objects.filter(assignment__state="submitted").earliest("pk")
    answer.description = "nice picture"
    answer.save()
    after = viewer.get("/campaigns/try/answers/").content.decode()
    assert "says nothing of the crops" not in before
    assert "says nothing of the crops" in after


def test_forty_answers_are_approved_at_once(world: World, sent: list[tuple[str, list[object]]]) -> None:
    chosen = list(Assignment.objects.filter(state="submitted").values_list("pk", flat=True))
    sheet = {"decision": "approve-chosen", "answers": chosen}
    assert sign_in(Role.REVIEWER).post("/campaigns/try/answers/chosen/", sheet).status_code == 403
    payer = sign_in(Role.PAYER)
    page = payer.get("/campaigns/try/answers/?state=submitted").content.decode()
    assert [int(pk) for pk in re.findall(r'form="chosen" name="answers" value="(\d+)"', page)] == chosen
    done = payer.post("/campaigns/try/answers/chosen/?state=submitted", sheet)
    assert done["Location"] == "/campaigns/try/answers/?state=submitted"
    assert told(sent) == [("approve-chosen", "payer")]
    assert Job.objects.get().options == {"answers": chosen}


def test_several_are_left_out_with_one_reason_or_none_of_them(world: World) -> None:
    reviewer = sign_in(Role.REVIEWER)
    chosen = list(Assignment.objects.filter(state="submitted").values_list("pk", flat=True))[:3]
    left_out = Assignment.objects.filter(is_left_out=True, left_out_reason="A test of ours")
    for sheet in (
        {"answers": chosen},
        {"answers": [], "reason": "A test of ours"},
        {"answers": [*chosen, 10**6], "reason": "A test of ours"},
        {"answers": [*chosen, "x"], "reason": "A test of ours"},
    ):
        refused = reviewer.post("/campaigns/try/answers/chosen/", {"decision": "leave-out-chosen", **sheet})
        assert refused.status_code == 422
        assert not left_out.exists()
    sheet = {"decision": "leave-out-chosen", "answers": chosen, "reason": "A test of ours"}
    assert reviewer.post("/campaigns/try/answers/chosen/", sheet).status_code == 302
    assert sorted(left_out.values_list("pk", flat=True)) == chosen
    assert AuditEntry.objects.get().action == "leave-out-chosen"


def test_answers_of_one_person_and_suspected_ones_are_shown_alone(world: World, viewer: Client) -> None:
    worker = Assignment.objects.filter(state__in=["submitted", "approved"]).earliest("pk").worker
    assert worker is not None
    queries = (f"person={worker.pseudonym}", "flagged=1", "")
    pages = [viewer.get(f"/campaigns/try/answers/?{query}") for query in queries]
    of_person, flagged, every = ([row.answer for row in page.context["table"].rows] for page in pages)
    assert of_person == [answer for answer in every if answer.worker == worker]
    assert flagged == [row.answer for row in pages[2].context["table"].rows if row.flags]
    assert 0 < len(of_person) < len(every)


def test_answers_are_sorted_by_their_headings_and_filtered_by_unit_and_how_it_was_chosen(
    world: World, viewer: Client
) -> None:
    Assignment.objects.update(active_seconds=F("pk") % 7 * 10)

    def read(query: str) -> list[Assignment]:
        return [row.answer for row in viewer.get(f"/campaigns/try/answers/?{query}").context["table"].rows]

    times = [one.active_seconds for one in read("sort=time")]
    assert times == sorted(times) == [one.active_seconds for one in reversed(read("sort=-time"))]
    people = [one.worker.pseudonym for one in read("sort=person") if one.worker]
    assert people == sorted(people)
    assert {str(one) for answer in read("unit=features.3/2") for one in answer.answers.all()}
    assert len(read("unit=features.3/2")) == 3
    Layer.objects.filter(path="features.3").update(path="mixed4d/concat")
    assert len(read("unit=mixed4d/concat/2")) == 3
    (chosen,) = HITUnit.objects.filter(hit__campaign=world.campaign, unit__index=2)
    HITUnit.objects.filter(hit__campaign=world.campaign).update(chosen_because="random")
    HITUnit.objects.filter(pk=chosen.pk).update(chosen_because="named")
    assert {one.hit_id for one in read("method=named")} == {chosen.hit_id}
    assert len(read("method=random&unit=mixed4d/concat/2")) == 0
    page = viewer.get("/campaigns/try/answers/?sort=time&state=submitted").content.decode()
    assert 'aria-sort="ascending"' in page
    assert "?sort=-time&amp;state=submitted" in page
    assert page.count('<td class="us-strip"><img') == 10
    for query, words in (("unit=x", "written as layer/number"), ("sort=worker__external_id", "sort"), ("a=1", "by a")):
        refused = viewer.get(f"/campaigns/try/answers/?{query}")
        assert (refused.status_code, words in refused.content.decode()) == (400, True)


def test_the_sidebar_marks_the_page_that_is_open_and_no_other(world: World, viewer: Client) -> None:
    """The campaign is named as the address of another page."""
    marked = {
        path: [
            item["title"]
            for group in viewer.get(path).context["sidebar_navigation"]
            for item in group["items"]
            if item["active"]
        ]
        for path in ("/", "/campaigns/try/", "/campaigns/try/answers/", "/try/")
    }
    campaigns = ["Campaigns"]
    assert list(marked.values()) == [["Home"], campaigns, campaigns, ["Try a photograph"]]
