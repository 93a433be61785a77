"""Working: the frame and its parameters, returning, deadlines, forms, files."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotator.sandbox.acts import working
from annotator.sandbox.models import HIT, Assignment, Notification, NotificationSetting
from annotator.sandbox.questions.documents import HTML_NAMESPACE
from tests.annotator.sandbox.conftest import Accept, NewPerson, Visit
from tests.conformance.documents import FORM, UPLOAD_FORM

HTML = (
    f'<HTMLQuestion xmlns="{HTML_NAMESPACE}"><HTMLContent>'
    "<![CDATA[<!DOCTYPE html><p id='own'>hello</p>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)


def test_the_frame_gets_exactly_amazons_parameters(
    accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    person, hit = new_person(), new_hit()
    browser = visit(person)
    preview = browser.get(f"/worker/hits/{hit.mturk_id}/").context["frame_url"]
    own = {"unit": ["1"], "of": ["2"], "hitId": [hit.mturk_id], "turkSubmitTo": ["http://127.0.0.1:8001"]}
    assert parse_qs(urlsplit(preview).query) == {**own, "assignmentId": ["ASSIGNMENT_ID_NOT_AVAILABLE"]}
    assignment = accept(browser, hit)
    page = browser.get(f"/worker/assignments/{assignment.mturk_id}/")
    query = parse_qs(urlsplit(page.context["frame_url"]).query)
    (proof,) = query.pop("visitProof")
    assert query == {**own, "assignmentId": [assignment.mturk_id], "workerId": [person.mturk_id]}
    assert int(proof.split(".")[0]) - assignment.deadline.timestamp() < 1
    assert 'sandbox="allow-scripts allow-forms' in page.content.decode()


def test_a_form_that_is_over_is_not_asked_for_again(
    accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    """By the back button after it was submitted, with an answer missing now."""
    browser = visit(new_person())
    address = f"/worker/assignments/{accept(browser, new_hit(FORM)).mturk_id}/submit"
    assert browser.post(address, {}).status_code == 400
    assert browser.post(address, {"answer:animal": "cat"}).status_code == 302
    again = browser.post(address, {})
    assert (again.status_code, "is submitted" in again.content.decode()) == (409, True)


def test_a_requesters_own_html_has_no_right_over_this_site(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], settings: Any
) -> None:
    hit, browser = new_hit(HTML), visit(new_person())
    for host, has_origin in (("", False), ("http://content.localhost:8001", True)):
        settings.SANDBOX_CONTENT_URL = host
        page = browser.get(f"/worker/hits/{hit.mturk_id}/")
        assert ("allow-same-origin" in page.content.decode()) is has_origin
        assert page.context["frame_url"].startswith(host or "http://127.0.0.1:8001")
    # At this site's own host name it never has an origin, whoever opens it.
    content = browser.get(f"/worker/hits/{hit.mturk_id}/content")
    assert b"id='own'" in content.content
    assert "sandbox allow-scripts" in content["Content-Security-Policy"]
    assert "allow-same-origin" not in content["Content-Security-Policy"]


def test_the_host_of_requesters_content_answers_nothing_else(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], accept: Accept
) -> None:
    hit, browser = new_hit(HTML), visit(new_person())
    apart = {"Host": "content.localhost:8001"}
    content = browser.get(f"/worker/hits/{hit.mturk_id}/content", headers=apart)
    assert (content.status_code, b"id='own'" in content.content) == (200, True)
    policy = content["Content-Security-Policy"]
    assert "frame-ancestors 'self' http://127.0.0.1:8001;" in policy
    assert "form-action http://127.0.0.1:8001/mturk/externalSubmit " in policy
    assert "sandbox" not in policy
    for path in ("/", "/worker/", "/worker/sign-in", f"/worker/hits/{hit.mturk_id}/", "/mturk/preview", "/healthz"):
        assert browser.get(path, headers=apart).status_code == 404, path
    assert browser.post("/", headers=apart).status_code == 404
    submitted = browser.post("/mturk/externalSubmit", {"assignmentId": accept(browser, hit).mturk_id}, headers=apart)
    assert submitted.status_code == 200


def test_the_content_of_a_deleted_hit_is_gone(new_hit: Callable[..., HIT], mturk: Any, stranger: Client) -> None:
    hit = new_hit(HTML)
    mturk.update_expiration_for_hit(HITId=hit.mturk_id, ExpireAt=0)
    assert stranger.get(f"/worker/hits/{hit.mturk_id}/content").status_code == 200
    mturk.delete_hit(HITId=hit.mturk_id)
    for path in ("", "content"):
        assert stranger.get(f"/worker/hits/{hit.mturk_id}/{path}").status_code == 404


def test_pages_are_framed_by_nobody_and_the_frames_page_by_this_site(stranger: Client) -> None:
    assert "frame-ancestors 'none'" in stranger.get("/worker/")["Content-Security-Policy"]
    assert stranger.get("/worker/")["X-Frame-Options"] == "DENY"
    submitted = stranger.post("/mturk/externalSubmit", {"assignmentId": "NONE"})
    assert submitted.status_code == 409
    assert "frame-ancestors 'self'" in submitted["Content-Security-Policy"]
    assert "X-Frame-Options" not in submitted


def test_work_can_be_returned_and_taken_again(
    accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    hit, browser = new_hit(), visit(new_person())
    first = accept(browser, hit)
    assert first.mturk_id in browser.get("/worker/queue").content.decode()
    assert browser.post(f"/worker/assignments/{first.mturk_id}/return").status_code == 302
    assert accept(browser, hit).mturk_id != first.mturk_id
    assert browser.post(f"/worker/assignments/{first.mturk_id}/return").status_code == 409


def test_after_the_deadline_nothing_is_taken(
    accept: Accept,
    visit: Visit,
    new_person: NewPerson,
    new_hit: Callable[..., HIT],
    move_clock: Callable[[float], None],
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
    accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    assignment = accept(visit(new_person()), new_hit())
    thief = visit(new_person("bo"))
    assert thief.get(f"/worker/assignments/{assignment.mturk_id}/").status_code == 404
    assert thief.post(f"/worker/assignments/{assignment.mturk_id}/return").status_code == 409


def test_nobody_holds_more_hits_than_amazon_allows(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], monkeypatch: Any
) -> None:
    assert working.MAX_ACCEPTED_AT_ONCE == 25
    monkeypatch.setattr(working, "MAX_ACCEPTED_AT_ONCE", 2)
    hits = [new_hit() for _ in range(3)]
    browser, group = visit(new_person()), hits[0].hit_type.group_id
    for status in (302, 302, 409):
        assert browser.post(f"/worker/groups/{group}/accept").status_code == status


def test_an_accepted_hit_is_told_to_who_asked_for_it(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    """One of a group, and one that was chosen; with the last place the HIT is full."""
    hit = new_hit(MaxAssignments=2)
    NotificationSetting.objects.create(
        hit_type=hit.hit_type, is_active=True,
        specification={"Transport": "Email", "Destination": "a@b.c", "EventTypes": ["AssignmentAccepted"]},
    )  # fmt: skip
    for name, path in (("ada", f"groups/{hit.hit_type.group_id}"), ("bo", f"hits/{hit.mturk_id}")):
        assert visit(new_person(name)).post(f"/worker/{path}/accept").status_code == 302
    told = [one["Events"][0]["AssignmentId"] for one in Notification.objects.values_list("document", flat=True)]
    assert sorted(told) == sorted(Assignment.objects.values_list("mturk_id", flat=True))
    hit.refresh_from_db()
    assert (hit.status, hit.n_accepted) == ("Unassignable", 2)
    assert visit(new_person("cy")).post(f"/worker/hits/{hit.mturk_id}/accept").status_code == 409


def test_a_question_form_is_answered_here(
    accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], mturk: Any
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


def test_a_form_that_this_site_shows_cannot_be_submitted_around_its_checks(
    accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    browser = visit(new_person())
    held = accept(browser, new_hit(FORM))
    for fields in ({}, {"animal": "cat"}):
        refused = browser.post("/mturk/externalSubmit", {"assignmentId": held.mturk_id, **fields})
        assert (refused.status_code, "on the page of the HIT" in refused.content.decode()) == (409, True)
    held.refresh_from_db()
    assert held.state == "Accepted"
    assert browser.post(f"/worker/assignments/{held.mturk_id}/submit", {"answer:animal": "cat"}).status_code == 302


def test_an_upload_is_given_out_for_a_minute_only(
    accept: Accept,
    visit: Visit,
    new_person: NewPerson,
    new_hit: Callable[..., HIT],
    mturk: Any,
    move_clock: Callable[[float], None],
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
