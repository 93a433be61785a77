"""The people's side in a browser without scripts: signing up, finding work, doing it, what it earned."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from annotator.sandbox import accounts, working
from annotator.sandbox.conformance.bench import FORM, UPLOAD_FORM
from annotator.sandbox.models import HIT, Assignment, Message, Person
from annotator.sandbox.questions.documents import HTML_NAMESPACE
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE

Visit = Callable[[Person], Client]
NewPerson = Callable[..., Person]
HTML = (
    f'<HTMLQuestion xmlns="{HTML_NAMESPACE}"><HTMLContent>'
    "<![CDATA[<!DOCTYPE html><p id='own'>hello</p>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)


@pytest.fixture
def new_hit(mturk: Any) -> Callable[..., HIT]:
    def make(question: str = EXTERNAL_QUESTION, **changes: Any) -> HIT:
        fields = {**HIT_TYPE, "LifetimeInSeconds": 3600, "Question": question, **changes}
        return HIT.objects.get(mturk_id=mturk.create_hit(**fields)["HIT"]["HITId"])

    return make


@pytest.fixture
def stranger(db: None) -> Client:
    return Client(headers={"Host": "127.0.0.1:8001"})


def accept(browser: Client, hit: HIT) -> Assignment:
    response = browser.post(f"/worker/hits/{hit.mturk_id}/accept")
    assert response.status_code == 302, response.content.decode()
    return Assignment.objects.latest("id")


# Entering

FIELDS = {"name": "Ada", "country": "us", "of_age": "1"}


def test_on_loopback_anybody_signs_up_and_comes_back_with_the_key(stranger: Client) -> None:
    page = stranger.post("/worker/sign-up", FIELDS)
    key = page.context["key"]
    person = Person.objects.get()
    assert (person.name, person.country, person.is_simulated) == ("Ada", "US", False)
    assert person.mturk_id in page.content.decode()
    other = Client(headers={"Host": "127.0.0.1:8001"})
    assert other.post("/worker/sign-in", {"key": key}).status_code == 302
    assert "Ada" in other.get("/worker/").content.decode()
    assert other.post("/worker/sign-in", {"key": "another"}).status_code == 400
    assert key not in other.get("/worker/history").content.decode()


def test_elsewhere_an_invitation_is_needed_and_used_up(stranger: Client, settings: Any, capsys: Any) -> None:
    settings.SANDBOX_URL = "https://crowd.example.org"
    assert stranger.post("/worker/sign-up", FIELDS).status_code == 400
    call_command("sandbox_invite", "--people", "1")
    link = capsys.readouterr().out.strip()
    assert link.startswith("https://crowd.example.org/worker/sign-up?invitation=")
    code = link.partition("=")[2]
    assert f'value="{code}"' in stranger.get(f"/worker/sign-up?invitation={code}").content.decode()
    assert stranger.post("/worker/sign-up", {**FIELDS, "invitation": code}).status_code == 200
    assert stranger.post("/worker/sign-up", {**FIELDS, "name": "Bo", "invitation": code}).status_code == 400
    assert Person.objects.count() == 1


def test_loopback_behind_a_proxy_is_not_open(stranger: Client) -> None:
    assert stranger.post("/worker/sign-up", FIELDS, REMOTE_ADDR="203.0.113.9").status_code == 400


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"name": "a\x00b"}, {"name": "x" * 61}, {"country": "USA"}, {"of_age": ""}]
)
def test_a_wrong_sign_up_is_refused_in_words(stranger: Client, change: dict[str, str]) -> None:
    page = stranger.post("/worker/sign-up", {**FIELDS, **change})
    assert page.status_code == 400
    assert page.context["problem"]
    assert not Person.objects.exists()


def test_a_simulated_person_says_so_everywhere(stranger: Client, mturk: Any, new_hit: Callable[..., HIT]) -> None:
    stranger.post("/worker/sign-up", {**FIELDS, "name": "simulated-careful-1"})
    person = Person.objects.get()
    assert person.is_simulated
    assert person.mturk_id.startswith("ASIMULATED")
    assert 'class="badge simulated"' in stranger.get("/worker/").content.decode()
    assignment = accept(stranger, new_hit())
    stranger.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    shown = mturk.get_assignment(AssignmentId=assignment.mturk_id)["Assignment"]
    assert shown["WorkerId"].startswith("ASIMULATED")
    assert accounts.ids.simulated_worker_id("simulated-careful-1") == person.mturk_id


def test_people_of_the_sandbox_are_not_users_of_the_dashboard(new_person: NewPerson) -> None:
    new_person()
    assert not User.objects.exists()


# Finding work


def test_groups_are_listed_searched_and_sorted(stranger: Client, new_hit: Callable[..., HIT]) -> None:
    new_hit(Title="Mark stripes", Reward="0.10")
    new_hit(Title="Name dots", Reward="0.90", Keywords="round")
    new_hit(Title="Name dots", Reward="0.90", Keywords="round")

    def titles(query: str = "") -> list[str]:
        return [group.hit_type.title for group in stranger.get(f"/worker/{query}").context["groups"]]

    assert titles() == ["Name dots", "Mark stripes"]
    assert titles("?words=STRIPES") == ["Mark stripes"]
    assert titles("?words=round+dots") == ["Name dots"]
    assert titles("?least_reward=0.5") == ["Name dots"]
    assert titles("?least_reward=nonsense&sort=nonsense") == ["Name dots", "Mark stripes"]
    assert stranger.get("/worker/").context["groups"][0].n_open == 2


def test_a_hit_that_one_has_done_or_that_is_over_is_not_offered(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], move_clock: Callable[[float], None]
) -> None:
    browser = visit(new_person())
    hit = new_hit(MaxAssignments=2)
    assignment = accept(browser, hit)
    browser.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    assert browser.get("/worker/").context["groups"] == []
    assert browser.post(f"/worker/hits/{hit.mturk_id}/accept").status_code == 409
    other = visit(new_person("bo"))
    assert len(other.get("/worker/").context["groups"]) == 1
    move_clock(3601)
    assert other.get("/worker/").context["groups"] == []


def test_discovery_preview_and_acceptance_are_guarded_one_by_one(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    browser = visit(new_person(country="DE"))
    for guard, may_see, may_preview in (
        ("Accept", True, True),
        ("PreviewAndAccept", True, False),
        ("DiscoverPreviewAndAccept", False, False),
    ):
        requirement = {
            "QualificationTypeId": "00000000000000000071", "Comparator": "EqualTo",
            "LocaleValues": [{"Country": "US"}], "ActionsGuarded": guard,
        }  # fmt: skip
        hit = new_hit(Title=guard, QualificationRequirements=[requirement])
        listed = [group.hit_type.title for group in browser.get("/worker/").context["groups"]]
        assert (guard in listed) == may_see
        assert (browser.get(f"/worker/hits/{hit.mturk_id}/").status_code == 200) == may_preview
        assert browser.post(f"/worker/hits/{hit.mturk_id}/accept").status_code == 409


def test_skipping_goes_round_the_group(stranger: Client, new_hit: Callable[..., HIT]) -> None:
    first, second = new_hit(), new_hit()
    group = first.hit_type.group_id
    assert second.mturk_id in stranger.get(f"/worker/groups/{group}/next?after={first.mturk_id}").url
    assert first.mturk_id in stranger.get(f"/worker/groups/{group}/next?after={second.mturk_id}").url


# Working


def test_the_frame_gets_exactly_amazons_parameters(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    person, hit = new_person(), new_hit()
    browser = visit(person)
    preview = browser.get(f"/worker/hits/{hit.mturk_id}/").context["frame_url"]
    own = {"unit": ["1"], "of": ["2"], "hitId": [hit.mturk_id], "turkSubmitTo": ["http://127.0.0.1:8001"]}
    assert parse_qs(urlsplit(preview).query) == {**own, "assignmentId": ["ASSIGNMENT_ID_NOT_AVAILABLE"]}
    assignment = accept(browser, hit)
    page = browser.get(f"/worker/assignments/{assignment.mturk_id}/")
    assert parse_qs(urlsplit(page.context["frame_url"]).query) == {
        **own, "assignmentId": [assignment.mturk_id], "workerId": [person.mturk_id],
    }  # fmt: skip
    assert 'sandbox="allow-scripts allow-forms' in page.content.decode()


def test_a_requesters_own_html_has_no_right_over_this_site(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    hit, browser = new_hit(HTML), visit(new_person())
    page = browser.get(f"/worker/hits/{hit.mturk_id}/").content.decode()
    assert "allow-same-origin" not in page
    content = browser.get(f"/worker/hits/{hit.mturk_id}/content")
    assert b"id='own'" in content.content
    assert "sandbox allow-scripts" in content["Content-Security-Policy"]
    assert "allow-same-origin" not in content["Content-Security-Policy"]


def test_pages_are_framed_by_nobody_and_the_frames_page_by_this_site(stranger: Client) -> None:
    assert "frame-ancestors 'none'" in stranger.get("/worker/")["Content-Security-Policy"]
    assert stranger.get("/worker/")["X-Frame-Options"] == "DENY"
    submitted = stranger.post("/mturk/externalSubmit", {"assignmentId": "NONE"})
    assert submitted.status_code == 409
    assert "frame-ancestors 'self'" in submitted["Content-Security-Policy"]
    assert "X-Frame-Options" not in submitted


def test_work_can_be_returned_and_taken_again(visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]) -> None:
    hit, browser = new_hit(), visit(new_person())
    first = accept(browser, hit)
    assert first.mturk_id in browser.get("/worker/queue").content.decode()
    assert browser.post(f"/worker/assignments/{first.mturk_id}/return").status_code == 302
    assert accept(browser, hit).mturk_id != first.mturk_id
    assert browser.post(f"/worker/assignments/{first.mturk_id}/return").status_code == 409


def test_after_the_deadline_nothing_is_taken(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], move_clock: Callable[[float], None]
) -> None:
    browser = visit(new_person())
    assignment = accept(browser, new_hit())
    move_clock(601)
    late = browser.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id, "a": "b"})
    assert late.status_code == 409
    assert "time" in late.content.decode()
    page = browser.get(f"/worker/assignments/{assignment.mturk_id}/")
    assert 'data-state="Abandoned"' in page.content.decode()


def test_nobody_opens_or_returns_anothers_work(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    assignment = accept(visit(new_person()), new_hit())
    thief = visit(new_person("bo"))
    assert thief.get(f"/worker/assignments/{assignment.mturk_id}/").status_code == 404
    assert thief.post(f"/worker/assignments/{assignment.mturk_id}/return").status_code == 409


def test_nobody_holds_more_hits_than_amazon_allows(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], monkeypatch: Any
) -> None:
    assert working.MOST_ACCEPTED_AT_ONCE == 25
    monkeypatch.setattr(working, "MOST_ACCEPTED_AT_ONCE", 2)
    hits = [new_hit() for _ in range(3)]
    browser, group = visit(new_person()), hits[0].hit_type.group_id
    for status in (302, 302, 409):
        assert browser.post(f"/worker/groups/{group}/accept").status_code == status


def test_a_question_form_is_answered_here(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], mturk: Any
) -> None:
    browser = visit(new_person())
    assignment = accept(browser, new_hit(FORM))
    address = f"/worker/assignments/{assignment.mturk_id}/submit"
    empty = browser.post(address, {})
    assert empty.status_code == 400
    assert "choose an answer" in empty.content.decode()
    assert browser.post(address, {"answer:animal": "elephant"}).status_code == 400
    assert browser.post(address, {"answer:animal": "cat"}).status_code == 302
    answer = mturk.get_assignment(AssignmentId=assignment.mturk_id)["Assignment"]["Answer"]
    assert "<SelectionIdentifier>cat</SelectionIdentifier>" in answer


def test_an_upload_is_given_out_for_a_minute_only(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], mturk: Any, move_clock: Callable[[float], None]
) -> None:
    browser = visit(new_person())
    assignment = accept(browser, new_hit(UPLOAD_FORM))
    address = f"/worker/assignments/{assignment.mturk_id}/submit"
    too_large = {"answer:photo": SimpleUploadedFile("a.png", b"x" * 1001)}
    assert browser.post(address, too_large).status_code == 400
    assert browser.post(address, {"answer:photo": SimpleUploadedFile("a.html", b"<b>")}).status_code == 302
    url = mturk.get_file_upload_url(AssignmentId=assignment.mturk_id, QuestionIdentifier="photo")["FileUploadURL"]
    path = url.removeprefix("http://127.0.0.1:8001")
    given = browser.get(path)
    assert (given.content, given["Content-Disposition"]) == (b"<b>", "attachment")
    move_clock(61)
    assert browser.get(path).status_code == 403
    assert browser.get(path[:-2] + "xx").status_code == 403


# What it brought


def test_earnings_are_what_was_paid(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], mturk: Any, move_clock: Callable[[float], None]
) -> None:
    person = new_person()
    browser = visit(person)
    for _ in range(2):
        assignment = accept(browser, new_hit())
        browser.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    mturk.send_bonus(AssignmentId=assignment.mturk_id, WorkerId=person.mturk_id, BonusAmount="1", Reason="Thanks!")
    page = browser.get("/worker/history")
    assert (page.context["total"], page.context["waiting"]) == (1, 1)
    assert "Thanks!" in page.content.decode()
    move_clock(3601)
    assert browser.get("/worker/history").context["total"] == 2


def test_a_person_and_a_requester_write_to_each_other(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], mturk: Any
) -> None:
    person = new_person()
    browser, requester = visit(person), new_hit().requester
    address = f"/worker/requesters/{requester.mturk_id}/write"
    assert browser.post(address, {"subject": "Unclear", "text": ""}).status_code == 400
    assert browser.post(address, {"subject": "Unclear", "text": "What is a unit?"}).status_code == 302
    assert Message.objects.get().is_from_person
    assert "What is a unit?" in browser.get("/worker/messages").content.decode()


def test_what_is_not_there_is_said_in_words(visit: Visit, new_person: NewPerson) -> None:
    browser = visit(new_person())
    for path in ("hits/NONE/", "groups/NONE/", "assignments/NONE/", "requesters/NONE/write", "tests/NONE/"):
        page = browser.get(f"/worker/{path}")
        assert page.status_code == 404
        assert 'id="problem"' in page.content.decode()


def test_a_visitor_at_the_root_is_shown_to_the_worker_site(stranger: Client) -> None:
    assert stranger.get("/").url == "/worker/"


def test_after_120_days_a_hit_is_deleted_by_itself(
    new_hit: Callable[..., HIT], mturk: Any, move_clock: Callable[[float], None]
) -> None:
    hit = new_hit()
    move_clock(3600 + 119 * 86_400)
    assert mturk.get_hit(HITId=hit.mturk_id)["HIT"]["HITStatus"] == "Reviewable"
    move_clock(2 * 86_400)
    assert mturk.get_hit(HITId=hit.mturk_id)["HIT"]["HITStatus"] == "Disposed"


def test_a_retry_of_a_qualification_waits_its_delay(
    visit: Visit, new_person: NewPerson, mturk: Any, move_clock: Callable[[float], None], now: dt.datetime
) -> None:
    made = mturk.create_qualification_type(
        Name="Cats", Description="Knows cats.", QualificationTypeStatus="Active", Test=FORM, TestDurationInSeconds=60,
        RetryDelayInSeconds=1000,
    )["QualificationType"]["QualificationTypeId"]  # fmt: skip
    browser = visit(new_person())
    assert "/worker/tests/" in browser.post(f"/worker/qualifications/{made}/request").url
    move_clock(61)
    assert browser.post(f"/worker/qualifications/{made}/request").status_code == 409
    move_clock(1000)
    address = browser.post(f"/worker/qualifications/{made}/request").url
    assert browser.post(address, {"answer:animal": "cat"}).status_code == 200
    [asked] = mturk.list_qualification_requests(QualificationTypeId=made)["QualificationRequests"]
    assert "<SelectionIdentifier>cat</SelectionIdentifier>" in asked["Answer"]
