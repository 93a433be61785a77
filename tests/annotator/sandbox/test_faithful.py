"""What clients written against the live service send and expect, seen at the wire."""

import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from annotator.sandbox import delivering
from annotator.sandbox.acts import accounts, publishing, working
from annotator.sandbox.models import HIT, Assignment, Person, Requester
from annotator.sandbox.worker import listing
from tests.annotator.sandbox.conftest import HIT_TYPE, Accept


@pytest.fixture
def held(accept: Accept, visit: Any, new_person: Callable[..., Person], new_hit: Callable[..., HIT]) -> Assignment:
    return accept(visit(new_person()), new_hit())


def read_answer(mturk: Any, assignment: Assignment) -> str:
    return str(mturk.get_assignment(AssignmentId=assignment.mturk_id)["Assignment"]["Answer"])


def test_a_hit_does_not_grow_beyond_all_numbers(mturk: Any, new_hit: Callable[..., HIT]) -> None:
    """An expired one costs nothing, so that no balance stops it."""
    hit = new_hit(MaxAssignments=10)
    mturk.update_expiration_for_hit(HITId=hit.mturk_id, ExpireAt=0)
    mturk.create_additional_assignments_for_hit(HITId=hit.mturk_id, NumberOfAdditionalAssignments=10**9 - 10)
    with pytest.raises(ClientError, match="at most 1000000000 assignments"):
        mturk.create_additional_assignments_for_hit(HITId=hit.mturk_id, NumberOfAdditionalAssignments=10**9)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("is_id_in_query", [True, False])
def test_a_submission_has_its_fields_in_query_or_body_by_get_or_post(
    held: Assignment, stranger: Client, mturk: Any, method: str, is_id_in_query: bool
) -> None:
    """jsPsych puts the assignment's id into the address and the data into the body."""
    query, body = {"assignmentId": held.mturk_id, "from": "query"}, {"trials": '[{"rt": 412}]', "from": "body"}
    if not is_id_in_query:
        query, body = body, query
    if method == "get":
        answered = stranger.get("/mturk/externalSubmit", {**query, **body})
    else:
        answered = stranger.post("/mturk/externalSubmit", body, query_params=query)
    assert answered.status_code == 200, answered.content.decode()
    answer = read_answer(mturk, held)
    assert '<FreeText>[{"rt": 412}]</FreeText>' in answer
    assert "assignmentId" not in answer
    if method == "post":
        both = answer.split("<QuestionIdentifier>from</QuestionIdentifier><FreeText>")[1].split("</FreeText>")[0]
        assert sorted(both.split("|")) == ["body", "query"]


def test_the_same_submission_once_more_is_taken_as_arrived_and_another_is_refused(
    held: Assignment, stranger: Client, mturk: Any
) -> None:
    """A browser whose connection ended before it saw the page, or a button that was pressed twice."""
    body = {"assignmentId": held.mturk_id, "word": "wheel"}
    first, again, other = (
        stranger.post("/mturk/externalSubmit", {**body, "word": word}) for word in ("wheel", "wheel", "lamp")
    )
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 409)
    mturk.approve_assignment(AssignmentId=held.mturk_id)
    assert stranger.post("/mturk/externalSubmit", body).status_code == 200
    assert "<FreeText>wheel</FreeText>" in read_answer(mturk, held)
    held.hit.refresh_from_db()
    assert (held.hit.n_accepted, held.hit.n_submitted, held.hit.n_approved) == (0, 0, 1)


def test_a_page_may_send_some_thousand_fields(held: Assignment, stranger: Client) -> None:
    fields = {f"crop-{number}": "yes" for number in range(4000)}
    assert stranger.post("/mturk/externalSubmit", {"assignmentId": held.mturk_id, **fields}).status_code == 200


@pytest.mark.parametrize(("answer", "status"), [({"word": "x" * (2 << 20)}, 413), ({}, 503)])
def test_what_fails_is_to_be_read_in_the_frame(
    stranger: Client, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], status: int
) -> None:
    """Where a page lies in a frame that its policy forbids, the browser shows nothing of it."""

    def fail(*arguments: object, **values: object) -> None:
        raise OperationalError

    monkeypatch.setattr(working, "submit_from_frame", fail)
    stranger.raise_request_exception = False
    page = stranger.post("/mturk/externalSubmit", {"assignmentId": "A", **answer})
    assert page.status_code == status
    assert "frame-ancestors" not in page["Content-Security-Policy"]
    assert "X-Frame-Options" not in page
    assert status != 413 or "At most 1 MB" in page.content.decode()
    assert "To the first page" not in page.content.decode()
    elsewhere = stranger.post("/worker/sign-in", {"key": "x" * (2 << 20)})
    assert (elsewhere.status_code, "frame-ancestors 'none'" in elsewhere["Content-Security-Policy"]) == (413, True)


def test_the_same_submission_of_a_hit_that_was_given_back_is_refused(held: Assignment, stranger: Client) -> None:
    working.give_back(held.mturk_id, person=held.person, now=timezone.now())
    assert stranger.post("/mturk/externalSubmit", {"assignmentId": held.mturk_id}).status_code == 409


def test_an_empty_id_in_the_body_does_not_hide_that_of_the_address(held: Assignment, stranger: Client) -> None:
    address = f"/mturk/externalSubmit?assignmentId={held.mturk_id}"
    assert stranger.post(address, {"assignmentId": "", "a": "b"}).status_code == 200


def test_asking_for_the_head_of_a_submission_submits_nothing(held: Assignment, stranger: Client) -> None:
    assert stranger.head("/mturk/externalSubmit", {"assignmentId": held.mturk_id}).status_code == 405
    held.refresh_from_db()
    assert held.state == "Accepted"


def test_a_preview_that_submits_is_told_to_accept(stranger: Client) -> None:
    answered = stranger.post("/mturk/externalSubmit?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE")
    assert (answered.status_code, b"Accept the HIT" in answered.content) == (409, True)


def test_a_page_with_entries_has_a_token_and_an_empty_one_has_none(mturk: Any, new_hit: Callable[..., HIT]) -> None:
    """Clients that read NextToken until a page is empty, and those that read until it is missing, find all."""
    hits = [new_hit() for _ in range(2)]
    calls: list[tuple[Callable[..., Any], str, dict[str, Any]]] = [
        (mturk.list_hits, "HITs", {}),
        (mturk.list_qualification_types, "QualificationTypes", {"MustBeRequestable": False}),
    ]
    for call, key, values in calls:
        for size in (1, 2, 100):
            found, page = [], call(MaxResults=size, **values)
            while page[key]:
                found += page[key]
                page = call(MaxResults=size, NextToken=page["NextToken"], **values)
            assert "NextToken" not in page
            assert len({str(sorted(one.items(), key=str)) for one in found}) == len(found)
            assert len(found) == {"HITs": len(hits)}.get(key, 6)
    assert "NextToken" not in mturk.list_assignments_for_hit(HITId=hits[0].mturk_id)


@pytest.mark.parametrize("address", ["/mturk/preview?groupId={}", "/projects/{}/tasks", "/mturk/preview?hitId={}"])
def test_the_addresses_that_clients_print_lead_to_the_hit(
    new_hit: Callable[..., HIT], stranger: Client, mturk: Any, address: str
) -> None:
    hit = new_hit()
    ids = [hit.mturk_id] if "hitId" in address else [hit.hit_type.group_id, hit.hit_type.mturk_id]
    for one in ids:
        assert stranger.get(address.format(one)).url == f"/worker/hits/{hit.mturk_id}/"  # type: ignore[attr-defined]
    mturk.update_expiration_for_hit(HITId=hit.mturk_id, ExpireAt=0)
    for one in ids:
        group = stranger.get(address.format(one), follow=True)
        assert "No HIT of this group is left for you" in group.content.decode()
    assert stranger.get(address.format("3NOSUCHGROUP")).status_code == 404


def test_events_by_email_are_kept_as_messages(mturk: Any, new_hit: Callable[..., HIT], now: Any) -> None:
    hit = new_hit()
    wanted = {
        "Destination": "lab@example.org", "Transport": "Email", "Version": "2014-08-15", "EventTypes": ["HITExpired"],
    }  # fmt: skip
    mturk.update_notification_settings(HITTypeId=hit.hit_type.mturk_id, Notification=wanted)
    mturk.update_expiration_for_hit(HITId=hit.mturk_id, ExpireAt=0)
    assert delivering.deliver_due(now=now + dt.timedelta(minutes=1)) == 1
    output = io.StringIO()
    call_command("sandbox_messages", "lab", stdout=output)
    assert f"lab@example.org HITExpired {hit.mturk_id}" in output.getvalue()


def test_a_layout_is_filled_in_for_each_hit(mturk: Any, tmp_path: Path, stranger: Client) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>Look at ${image_url} & say ${what}; again ${what}. ]]></p>")
    outputs = [io.StringIO(), io.StringIO()]
    for output in outputs:
        call_command("sandbox_layout", "lab", str(page), "--height", "450", stdout=output)
    assert outputs[0].getvalue() == outputs[1].getvalue()
    kept = json.loads(outputs[0].getvalue())
    assert kept["fields"] == ["image_url", "what"]
    layout = {**HIT_TYPE, "LifetimeInSeconds": 3600, "HITLayoutId": kept["HITLayoutId"]}
    given = [
        {"Name": "image_url", "Value": "https://example.org/1.png?a=1&b=2"},
        {"Name": "what", "Value": "<b>it</b>"},
    ]
    hit = mturk.create_hit(**layout, HITLayoutParameters=given)["HIT"]
    assert hit["HITLayoutId"] == kept["HITLayoutId"]
    shown = stranger.get(f"/worker/hits/{hit['HITId']}/content").content.decode()
    assert shown == "<p>Look at https://example.org/1.png?a=1&b=2 & say <b>it</b>; again <b>it</b>. ]]></p>"
    with pytest.raises(ClientError, match="must give a value for: what"):
        mturk.create_hit(**layout, HITLayoutParameters=given[:1])


def test_a_layout_is_its_accounts_own(mturk: Any, requester: Requester, now: Any) -> None:
    other = accounts.open_account("other", balance_usd=Decimal(1), now=now)
    kept = publishing.keep_layout(other, name="x", content="<p>", frame_height_px=0, now=now)
    with pytest.raises(ClientError, match="does not exist"):
        mturk.create_hit(**HIT_TYPE, LifetimeInSeconds=3600, HITLayoutId=kept.mturk_id)


def test_the_list_of_groups_goes_on_over_pages(
    new_hit: Callable[..., HIT], stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "GROUPS_PER_PAGE", 2)
    groups = [new_hit(Title=f"Group {number}").hit_type.group_id for number in range(5)]
    found, address = [], "/worker/?sort=newest"
    while address:
        page = stranger.get(address)
        found += [group.hit_type.group_id for group in page.context["groups"]]
        following = [query for _, query, relation in page.context["other_pages"] if relation == "next"]
        address = f"/worker/?{following[0]}" if following else ""
    assert found == groups[::-1]


def test_the_second_qualification_type_of_a_name_is_refused_in_amazons_words(mturk: Any) -> None:
    fields = {"Name": "pilot", "Description": "Took part.", "QualificationTypeStatus": "Active"}
    mturk.create_qualification_type(**fields)
    with pytest.raises(ClientError, match="You have already created a QualificationType with this name"):
        mturk.create_qualification_type(**fields)
