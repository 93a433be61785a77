"""Checks of HIT types and HITs."""

import datetime as dt
from typing import Any

import pytest

from tests.conformance.bench import LONG_AGO, NO_ID, Bench
from tests.conformance.documents import FORM, QUESTION
from tests.conformance.people import People

HTML = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[<!DOCTYPE html><form></form>]]></HTMLContent><FrameHeight>450</FrameHeight></HTMLQuestion>"
)
BAD_QUESTIONS = {
    "not well-formed": "<ExternalQuestion",
    "of another namespace": QUESTION.replace("2006-07-14", "1999-01-01"),
    "without its FrameHeight": QUESTION.replace("<FrameHeight>0</FrameHeight>", ""),
    "with an entity": '<!DOCTYPE q [<!ENTITY a "b">]>' + QUESTION,
    "with an address that is not a web address": QUESTION.replace("https://example.org/hit", "ftp://example.org"),
    "a form with two questions of one name": FORM.replace("</QuestionForm>", FORM[FORM.index("<Question>") :]),
}


@pytest.mark.checks("CreateHITType", "equal fields are one HIT type")
def test_types_with_the_same_fields_are_one(bench: Bench) -> None:
    fields = bench.type_fields()
    first = bench.mturk.create_hit_type(**fields)["HITTypeId"]
    again = bench.mturk.create_hit_type(**{**fields, "Reward": "0.1"})["HITTypeId"]
    other = bench.mturk.create_hit_type(**{**fields, "Reward": "0.11"})["HITTypeId"]
    assert first == again, "The same fields, with the reward written otherwise, made another HIT type."
    assert first != other, "Another reward made the same HIT type."


@pytest.mark.checks("CreateHITType", "bounds of every field", "ParameterValidationError")
def test_type_bounds(bench: Bench) -> None:
    wrong: list[dict[str, Any]] = [
        {"Title": "x" * 129}, {"Title": " "}, {"Description": "x" * 2001}, {"Keywords": "x" * 1001},
        {"Reward": "-1"}, {"Reward": "0.001"}, {"Reward": "a lot"}, {"AssignmentDurationInSeconds": 29},
        {"AssignmentDurationInSeconds": 31_536_001}, {"AutoApprovalDelayInSeconds": 2_592_001},
        {"QualificationRequirements": [{"QualificationTypeId": "00000000000000000040", "Comparator": "EqualTo"}]},
        {"QualificationRequirements": [{"QualificationTypeId": "00000000000000000040", "Comparator": "Exists"}] * 11},
    ]  # fmt: skip
    for change in wrong:
        bench.refuses("ParameterValidationError", bench.mturk.create_hit_type, **bench.type_fields(**change))


@pytest.mark.checks("CreateHITType", "requirements name known types", "QualificationTypeDoesNotExist")
def test_type_with_unknown_qualification(bench: Bench) -> None:
    requirement = {"QualificationTypeId": NO_ID, "Comparator": "Exists"}
    fields = bench.type_fields(QualificationRequirements=[requirement])
    bench.refuses("QualificationTypeDoesNotExist", bench.mturk.create_hit_type, **fields)


@pytest.mark.checks("CreateHIT", "a new HIT is Assignable, with all three kinds of question")
def test_a_new_hit_is_assignable(bench: Bench) -> None:
    for question in (QUESTION, HTML, FORM):
        hit = bench.mturk.create_hit(
            **bench.type_fields(), LifetimeInSeconds=3600, MaxAssignments=3, Question=question, RequesterAnnotation="a"
        )["HIT"]
        shown = bench.mturk.get_hit(HITId=hit["HITId"])["HIT"]
        assert hit == shown, "GetHIT shows another HIT than CreateHIT returned."
        counts = (shown["HITStatus"], shown["MaxAssignments"], shown["NumberOfAssignmentsAvailable"])
        assert counts == ("Assignable", 3, 3), f"A new HIT has {counts}."
        assert shown["RequesterAnnotation"] == "a", "Fields came back changed."
        assert shown["Question"] == question, "Fields came back changed."
        lifetime = (shown["Expiration"] - shown["CreationTime"]).total_seconds()
        assert abs(lifetime - 3600) < 1, f"It expires after {lifetime} seconds instead of 3600."


@pytest.mark.checks("GetAccountBalance", "reward and fee of all assignments are held, and given back")
def test_the_whole_price_is_held(bench: Bench) -> None:
    before = bench.mturk.get_account_balance()
    hit = bench.new_hit(MaxAssignments=10)
    after = bench.mturk.get_account_balance()
    spent = round(float(before["AvailableBalance"]) - float(after["AvailableBalance"]), 2)
    assert spent == 1.40, f"Ten assignments of 0.10 with a fee of 40 % hold {spent} instead of 1.40."
    held = round(float(after["OnHoldBalance"]) - float(before["OnHoldBalance"]), 2)
    assert held == spent, f"The balance on hold rose by {held}, the available one fell by {spent}."
    bench.mturk.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=LONG_AGO)
    found = bench.mturk.get_account_balance()["AvailableBalance"]
    assert found == before["AvailableBalance"], "Expiring an untouched HIT does not give all its money back."


@pytest.mark.checks("CreateHITWithHITType", "a token makes one HIT", "HitAlreadyExists")
def test_a_token_makes_one_hit(bench: Bench) -> None:
    token = bench.name("token")
    hit = bench.new_hit(UniqueRequestToken=token)
    words = bench.refuses(
        "HitAlreadyExists", bench.mturk.create_hit_with_hit_type, HITTypeId=hit["HITTypeId"], LifetimeInSeconds=3600,
        Question=QUESTION, UniqueRequestToken=token,
    )  # fmt: skip
    assert hit["HITId"] in words, "The refusal does not name the HIT that the token made."


@pytest.mark.checks("CreateHITWithHITType", "bounds of every field", "ParameterValidationError")
def test_hit_bounds(bench: Bench) -> None:
    hit_type = bench.new_type()
    wrong: list[dict[str, Any]] = [
        {"LifetimeInSeconds": 29}, {"LifetimeInSeconds": 31_536_001}, {"MaxAssignments": 0},
        {"RequesterAnnotation": "x" * 256}, {"UniqueRequestToken": "x" * 65}, {"Question": "x" * 65_536},
        {"AssignmentReviewPolicy": {"PolicyName": "None/2011-09-01"}},
    ]  # fmt: skip
    for change in wrong:
        bench.refuses("ParameterValidationError", bench.new_hit, HITTypeId=hit_type, **change)


@pytest.mark.checks("CreateHITWithHITType", "bad XML is refused", "XMLParseError")
def test_bad_questions(bench: Bench) -> None:
    for question in BAD_QUESTIONS.values():
        bench.refuses("XMLParseError", bench.new_hit, Question=question)


@pytest.mark.checks(
    "CreateHITWithHITType", "a question or a layout is needed", "MissingParameter", "HITLayoutDoesNotExist"
)
def test_a_question_is_needed(bench: Bench) -> None:
    hit_type = bench.new_type()
    bench.refuses("MissingParameter", bench.mturk.create_hit_with_hit_type, HITTypeId=hit_type, LifetimeInSeconds=3600)
    bench.refuses(
        "HITLayoutDoesNotExist", bench.mturk.create_hit_with_hit_type, HITTypeId=hit_type, LifetimeInSeconds=3600,
        HITLayoutId=NO_ID,
    )  # fmt: skip


@pytest.mark.checks("CreateHITWithHITType", "no HIT without the money", "InsufficientFunds")
def test_too_dear(bench: Bench) -> None:
    bench.refuses("InsufficientFunds", bench.new_hit, HITTypeId=bench.new_type(Reward="9000000"), MaxAssignments=1000)


@pytest.mark.checks("GetHIT", "unknown ids", "HITTypeDoesNotExist", "HITDoesNotExist", "ParameterValidationError")
def test_unknown_ids(bench: Bench) -> None:
    mturk = bench.mturk
    bench.refuses("HITTypeDoesNotExist", bench.new_hit, HITTypeId=NO_ID)
    bench.refuses("HITDoesNotExist", mturk.get_hit, HITId=NO_ID)
    bench.refuses("ParameterValidationError", mturk.get_hit, HITId="not an id")


@pytest.mark.checks("UpdateExpirationForHIT", "unknown HITs cannot be changed or read", "HITDoesNotExist")
def test_unknown_hits_cannot_be_changed(bench: Bench) -> None:
    mturk = bench.mturk
    for call, values in (
        (mturk.delete_hit, {}),
        (mturk.update_hit_review_status, {}),
        (mturk.update_expiration_for_hit, {"ExpireAt": LONG_AGO}),
        (mturk.create_additional_assignments_for_hit, {"NumberOfAdditionalAssignments": 1}),
        (mturk.update_hit_type_of_hit, {"HITTypeId": bench.new_type()}),
        (mturk.list_assignments_for_hit, {}),
    ):
        bench.refuses("HITDoesNotExist", call, HITId=NO_ID, **values)


@pytest.mark.checks("ListHITs", "pages without gap or repeat; tokens serve their own list", "ParameterValidationError")
def test_lists_page_through(bench: Bench) -> None:
    hit_type = bench.new_type()
    made = [bench.new_hit(HITTypeId=hit_type)["HITId"] for _ in range(5)]
    pages = bench.mturk.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 2})
    found = [hit["HITId"] for page in pages for hit in page["HITs"]]
    assert [one for one in found if one in made] == made[::-1], "The paginator misses or repeats HITs."
    first = bench.mturk.list_hits(MaxResults=2)
    assert first["NumResults"] == 2, "NumResults is not the number on the page."
    token = first["NextToken"]
    bench.refuses("ParameterValidationError", bench.mturk.list_hits, NextToken=token + "x")
    bench.refuses("ParameterValidationError", bench.mturk.list_reviewable_hits, NextToken=token)
    bench.refuses("ParameterValidationError", bench.mturk.list_hits, MaxResults=101)


@pytest.mark.checks("ListReviewableHITs", "by type and status")
def test_reviewable_hits_are_listed(bench: Bench) -> None:
    hit = bench.new_hit()
    chosen = {"HITTypeId": hit["HITTypeId"]}
    assert not bench.mturk.list_reviewable_hits(**chosen)["HITs"], "An assignable HIT is listed as reviewable."
    bench.mturk.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=LONG_AGO)
    assert len(bench.mturk.list_reviewable_hits(**chosen)["HITs"]) == 1, "An expired HIT is not reviewable."
    assert not bench.mturk.list_reviewable_hits(**chosen, Status="Reviewing")["HITs"], "It is listed as reviewing."


@pytest.mark.checks("UpdateHITReviewStatus", "Reviewable to Reviewing and back", "InvalidHITState")
def test_review_status(bench: Bench) -> None:
    hit_id = bench.new_hit()["HITId"]
    bench.refuses("InvalidHITState", bench.mturk.update_hit_review_status, HITId=hit_id)
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    bench.refuses("InvalidHITState", bench.mturk.update_hit_review_status, HITId=hit_id, Revert=True)
    bench.mturk.update_hit_review_status(HITId=hit_id)
    assert bench.status(hit_id) == "Reviewing", "UpdateHITReviewStatus does not lead to Reviewing."
    bench.mturk.update_hit_review_status(HITId=hit_id, Revert=True)
    assert bench.status(hit_id) == "Reviewable", "Revert does not lead back to Reviewable."


@pytest.mark.checks("UpdateExpirationForHIT", "expire, extend", "ParameterValidationError")
def test_expiration_moves(bench: Bench) -> None:
    hit_id = bench.new_hit()["HITId"]
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    assert bench.status(hit_id) == "Reviewable", "An expired HIT without work is not Reviewable."
    later = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=2)
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=later)
    hit = bench.mturk.get_hit(HITId=hit_id)["HIT"]
    assert (hit["HITStatus"], hit["Expiration"]) == ("Assignable", later), "Extending does not make it Assignable."
    far = later + dt.timedelta(days=400)
    bench.refuses("ParameterValidationError", bench.mturk.update_expiration_for_hit, HITId=hit_id, ExpireAt=far)


@pytest.mark.checks(
    "CreateAdditionalAssignmentsForHIT",
    "extends once per token, never from below 10 to 10",
    "DuplicateRequest",
    "InvalidMaximumAssignmentsIncrease",
    "ParameterValidationError",
)
def test_more_assignments(bench: Bench) -> None:
    hit_id, more = bench.new_hit(MaxAssignments=8)["HITId"], bench.mturk.create_additional_assignments_for_hit
    token = bench.name("token")
    more(HITId=hit_id, NumberOfAdditionalAssignments=1, UniqueRequestToken=token)
    bench.refuses("DuplicateRequest", more, HITId=hit_id, NumberOfAdditionalAssignments=1, UniqueRequestToken=token)
    assert bench.mturk.get_hit(HITId=hit_id)["HIT"]["MaxAssignments"] == 9, "A repeated token extended twice."
    bench.refuses("InvalidMaximumAssignmentsIncrease", more, HITId=hit_id, NumberOfAdditionalAssignments=1)
    bench.refuses("ParameterValidationError", more, HITId=hit_id, NumberOfAdditionalAssignments=0)


@pytest.mark.checks("UpdateHITTypeOfHIT", "a HIT takes on another type", "HITTypeDoesNotExist")
def test_a_hit_changes_its_type(bench: Bench) -> None:
    hit_id, other = bench.new_hit()["HITId"], bench.new_type(Reward="0.20")
    bench.mturk.update_hit_type_of_hit(HITId=hit_id, HITTypeId=other)
    hit = bench.mturk.get_hit(HITId=hit_id)["HIT"]
    assert (hit["HITTypeId"], hit["Reward"]) == (other, "0.20"), "The HIT does not take on the new type's fields."
    bench.refuses("HITTypeDoesNotExist", bench.mturk.update_hit_type_of_hit, HITId=hit_id, HITTypeId=NO_ID)


@pytest.mark.checks("DeleteHIT", "only what is reviewable; then it vanishes from lists", "InvalidHITState")
def test_deleting(bench: Bench) -> None:
    hit_id = bench.new_hit()["HITId"]
    bench.refuses("InvalidHITState", bench.mturk.delete_hit, HITId=hit_id)
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    bench.mturk.delete_hit(HITId=hit_id)
    assert bench.status(hit_id) == "Disposed", "A deleted HIT is not Disposed."
    listed = [hit["HITId"] for hit in bench.mturk.list_hits(MaxResults=100)["HITs"]]
    assert hit_id not in listed, "ListHITs lists a deleted HIT."
    bench.refuses("InvalidHITState", bench.mturk.delete_hit, HITId=hit_id)


@pytest.mark.checks("DeleteHIT", "never with work that is not judged", "InvalidHITState")
def test_not_with_unjudged_work(bench: Bench, people: People) -> None:
    hit_id = bench.new_hit()["HITId"]
    done = people.submit(hit_id)
    assert bench.status(hit_id) == "Reviewable", "A HIT whose work is all submitted is not Reviewable."
    bench.refuses("InvalidHITState", bench.mturk.delete_hit, HITId=hit_id)
    bench.mturk.approve_assignment(AssignmentId=done)
    bench.mturk.delete_hit(HITId=hit_id)


@pytest.mark.checks("GetHIT", "accepted, returned, submitted, extended: the status follows")
def test_work_moves_a_hit(bench: Bench, people: People) -> None:
    hit_id, worker = bench.new_hit()["HITId"], people.new_worker()
    held = worker.accept(hit_id)
    hit = bench.mturk.get_hit(HITId=hit_id)["HIT"]
    assert (hit["HITStatus"], hit["NumberOfAssignmentsPending"]) == ("Unassignable", 1), "Accepted: not Unassignable."
    worker.give_back(held)
    assert bench.status(hit_id) == "Assignable", "A returned HIT is not Assignable again."
    worker.submit(worker.accept(hit_id), description="dots")
    assert bench.status(hit_id) == "Reviewable", "A submitted HIT is not Reviewable."
    bench.mturk.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)
    assert bench.status(hit_id) == "Assignable", "An extended HIT is not Assignable."
