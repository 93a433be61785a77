"""What clients written against the live service send and expect, seen at the wire."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.test import Client

from annotator.sandbox.models import HIT, Assignment, Person

Accept = Callable[[Client, HIT], Assignment]


@pytest.fixture
def held(accept: Accept, visit: Any, new_person: Callable[..., Person], new_hit: Callable[..., HIT]) -> Assignment:
    return accept(visit(new_person()), new_hit())


def read_answer(mturk: Any, assignment: Assignment) -> str:
    return str(mturk.get_assignment(AssignmentId=assignment.mturk_id)["Assignment"]["Answer"])


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
        assert sorted(answer.split("<QuestionIdentifier>from</QuestionIdentifier><FreeText>")[1][:10].split("|"))


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


def test_the_second_qualification_type_of_a_name_is_refused_in_amazons_words(mturk: Any) -> None:
    fields = {"Name": "pilot", "Description": "Took part.", "QualificationTypeStatus": "Active"}
    mturk.create_qualification_type(**fields)
    with pytest.raises(ClientError, match="You have already created a QualificationType with this name"):
        mturk.create_qualification_type(**fields)
