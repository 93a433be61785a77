"""Checks of HIT types and HITs."""

import datetime as dt
from typing import Any

from annotator.sandbox.conformance.bench import FORM, LONG_AGO, NO_ID, QUESTION, Bench, expect
from annotator.sandbox.conformance.case import Case

HTML = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[<!DOCTYPE html><form></form>]]></HTMLContent><FrameHeight>450</FrameHeight></HTMLQuestion>"
)
BAD_QUESTIONS = {
    "not well-formed": "<ExternalQuestion",
    "of another namespace": QUESTION.replace("2006-07-14", "1999-01-01"),
    "without its FrameHeight": QUESTION.replace("<FrameHeight>0</FrameHeight>", ""),
    "with an entity": '<!DOCTYPE q [<!ENTITY a "b">]>' + QUESTION,
    "with an address that is none": QUESTION.replace("https://example.org/hit", "ftp://example.org"),
    "a form with two questions of one name": FORM.replace("</QuestionForm>", FORM[FORM.index("<Question>") :]),
}


def _types_with_the_same_fields_are_one(bench: Bench) -> None:
    fields = bench.type_fields()
    first = bench.mturk.create_hit_type(**fields)["HITTypeId"]
    again = bench.mturk.create_hit_type(**{**fields, "Reward": "0.1"})["HITTypeId"]
    other = bench.mturk.create_hit_type(**{**fields, "Reward": "0.11"})["HITTypeId"]
    expect(first == again, "The same fields, with the reward written otherwise, made another HIT type.")
    expect(first != other, "Another reward made the same HIT type.")


def _type_bounds(bench: Bench) -> None:
    wrong: list[dict[str, Any]] = [
        {"Title": "x" * 129}, {"Title": " "}, {"Description": "x" * 2001}, {"Keywords": "x" * 1001},
        {"Reward": "-1"}, {"Reward": "0.001"}, {"Reward": "a lot"}, {"AssignmentDurationInSeconds": 29},
        {"AssignmentDurationInSeconds": 31_536_001}, {"AutoApprovalDelayInSeconds": 2_592_001},
        {"QualificationRequirements": [{"QualificationTypeId": "00000000000000000040", "Comparator": "EqualTo"}]},
        {"QualificationRequirements": [{"QualificationTypeId": "00000000000000000040", "Comparator": "Exists"}] * 11},
    ]  # fmt: skip
    for change in wrong:
        bench.refuses("ParameterValidationError", bench.mturk.create_hit_type, **bench.type_fields(**change))


def _type_with_unknown_qualification(bench: Bench) -> None:
    requirement = {"QualificationTypeId": NO_ID, "Comparator": "Exists"}
    fields = bench.type_fields(QualificationRequirements=[requirement])
    bench.refuses("QualificationTypeDoesNotExist", bench.mturk.create_hit_type, **fields)


def _a_new_hit_is_assignable(bench: Bench) -> None:
    for question in (QUESTION, HTML, FORM):
        hit = bench.mturk.create_hit(
            **bench.type_fields(), LifetimeInSeconds=3600, MaxAssignments=3, Question=question, RequesterAnnotation="a"
        )["HIT"]
        shown = bench.mturk.get_hit(HITId=hit["HITId"])["HIT"]
        expect(hit == shown, "GetHIT shows another HIT than CreateHIT returned.")
        counts = (shown["HITStatus"], shown["MaxAssignments"], shown["NumberOfAssignmentsAvailable"])
        expect(counts == ("Assignable", 3, 3), f"A new HIT stands at {counts}.")
        expect(shown["RequesterAnnotation"] == "a" and shown["Question"] == question, "Fields came back changed.")
        lifetime = (shown["Expiration"] - shown["CreationTime"]).total_seconds()
        expect(abs(lifetime - 3600) < 1, f"It lives {lifetime} seconds instead of 3600.")


def _the_whole_price_is_held(bench: Bench) -> None:
    before = bench.mturk.get_account_balance()
    hit = bench.new_hit(MaxAssignments=10)
    after = bench.mturk.get_account_balance()
    spent = round(float(before["AvailableBalance"]) - float(after["AvailableBalance"]), 2)
    expect(spent == 1.40, f"Ten assignments of 0.10 with a fee of 40 % hold {spent} instead of 1.40.")
    held = round(float(after["OnHoldBalance"]) - float(before["OnHoldBalance"]), 2)
    expect(held == spent, f"The balance on hold rose by {held}, the available one fell by {spent}.")
    bench.mturk.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=LONG_AGO)
    expect(bench.mturk.get_account_balance() | {"ResponseMetadata": 0} == before | {"ResponseMetadata": 0},
           "Expiring an untouched HIT does not give all its money back.")  # fmt: skip


def _a_token_makes_one_hit(bench: Bench) -> None:
    token = bench.name("token")
    hit = bench.new_hit(UniqueRequestToken=token)
    words = bench.refuses(
        "HitAlreadyExists", bench.mturk.create_hit_with_hit_type, HITTypeId=hit["HITTypeId"], LifetimeInSeconds=3600,
        Question=QUESTION, UniqueRequestToken=token,
    )  # fmt: skip
    expect(hit["HITId"] in words, "The refusal does not name the HIT that the token made.")


def _hit_bounds(bench: Bench) -> None:
    hit_type = bench.new_type()
    wrong: list[dict[str, Any]] = [
        {"LifetimeInSeconds": 29}, {"LifetimeInSeconds": 31_536_001}, {"MaxAssignments": 0},
        {"RequesterAnnotation": "x" * 256}, {"UniqueRequestToken": "x" * 65}, {"Question": "x" * 65_536},
        {"AssignmentReviewPolicy": {"PolicyName": "None/2011-09-01"}},
    ]  # fmt: skip
    for change in wrong:
        bench.refuses("ParameterValidationError", bench.new_hit, HITTypeId=hit_type, **change)


def _bad_questions(bench: Bench) -> None:
    for question in BAD_QUESTIONS.values():
        bench.refuses("XMLParseError", bench.new_hit, Question=question)


def _a_question_is_needed(bench: Bench) -> None:
    hit_type = bench.new_type()
    bench.refuses("MissingParameter", bench.mturk.create_hit_with_hit_type, HITTypeId=hit_type, LifetimeInSeconds=3600)
    bench.refuses(
        "HITLayoutDoesNotExist", bench.mturk.create_hit_with_hit_type, HITTypeId=hit_type, LifetimeInSeconds=3600,
        HITLayoutId=NO_ID,
    )  # fmt: skip


def _too_dear(bench: Bench) -> None:
    bench.refuses("InsufficientFunds", bench.new_hit, HITTypeId=bench.new_type(Reward="9000000"), MaxAssignments=1000)


def _unknown_ids(bench: Bench) -> None:
    mturk = bench.mturk
    bench.refuses("HITTypeDoesNotExist", bench.new_hit, HITTypeId=NO_ID)
    bench.refuses("HITDoesNotExist", mturk.get_hit, HITId=NO_ID)
    bench.refuses("ParameterValidationError", mturk.get_hit, HITId="not an id")


def _unknown_hits_cannot_be_changed(bench: Bench) -> None:
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


def _lists_page_through(bench: Bench) -> None:
    hit_type = bench.new_type()
    made = [bench.new_hit(HITTypeId=hit_type)["HITId"] for _ in range(5)]
    pages = bench.mturk.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 2})
    found = [hit["HITId"] for page in pages for hit in page["HITs"]]
    expect([one for one in found if one in made] == made[::-1], "The paginator misses or repeats HITs.")
    first = bench.mturk.list_hits(MaxResults=2)
    expect(first["NumResults"] == 2, "NumResults is not the number on the page.")
    token = first["NextToken"]
    bench.refuses("ParameterValidationError", bench.mturk.list_hits, NextToken=token + "x")
    bench.refuses("ParameterValidationError", bench.mturk.list_reviewable_hits, NextToken=token)
    bench.refuses("ParameterValidationError", bench.mturk.list_hits, MaxResults=101)


def _reviewable_hits_are_listed(bench: Bench) -> None:
    hit = bench.new_hit()
    chosen = {"HITTypeId": hit["HITTypeId"]}
    expect(not bench.mturk.list_reviewable_hits(**chosen)["HITs"], "An assignable HIT is listed as reviewable.")
    bench.mturk.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=LONG_AGO)
    expect(len(bench.mturk.list_reviewable_hits(**chosen)["HITs"]) == 1, "An expired HIT is not reviewable.")
    expect(not bench.mturk.list_reviewable_hits(**chosen, Status="Reviewing")["HITs"], "It is listed as reviewing.")


def _review_status(bench: Bench) -> None:
    hit_id = bench.new_hit()["HITId"]
    bench.refuses("InvalidHITState", bench.mturk.update_hit_review_status, HITId=hit_id)
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    bench.refuses("InvalidHITState", bench.mturk.update_hit_review_status, HITId=hit_id, Revert=True)
    bench.mturk.update_hit_review_status(HITId=hit_id)
    expect(bench.status(hit_id) == "Reviewing", "UpdateHITReviewStatus does not lead to Reviewing.")
    bench.mturk.update_hit_review_status(HITId=hit_id, Revert=True)
    expect(bench.status(hit_id) == "Reviewable", "Revert does not lead back to Reviewable.")


def _expiration_moves(bench: Bench) -> None:
    hit_id = bench.new_hit()["HITId"]
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    expect(bench.status(hit_id) == "Reviewable", "An expired HIT without work is not Reviewable.")
    later = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=2)
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=later)
    hit = bench.mturk.get_hit(HITId=hit_id)["HIT"]
    expect((hit["HITStatus"], hit["Expiration"]) == ("Assignable", later), "Extending does not make it Assignable.")
    far = later + dt.timedelta(days=400)
    bench.refuses("ParameterValidationError", bench.mturk.update_expiration_for_hit, HITId=hit_id, ExpireAt=far)


def _more_assignments(bench: Bench) -> None:
    hit_id, more = bench.new_hit(MaxAssignments=8)["HITId"], bench.mturk.create_additional_assignments_for_hit
    token = bench.name("token")
    more(HITId=hit_id, NumberOfAdditionalAssignments=1, UniqueRequestToken=token)
    bench.refuses("DuplicateRequest", more, HITId=hit_id, NumberOfAdditionalAssignments=1, UniqueRequestToken=token)
    expect(bench.mturk.get_hit(HITId=hit_id)["HIT"]["MaxAssignments"] == 9, "A repeated token extended twice.")
    bench.refuses("InvalidMaximumAssignmentsIncrease", more, HITId=hit_id, NumberOfAdditionalAssignments=1)
    bench.refuses("ParameterValidationError", more, HITId=hit_id, NumberOfAdditionalAssignments=0)


def _a_hit_changes_its_type(bench: Bench) -> None:
    hit_id, other = bench.new_hit()["HITId"], bench.new_type(Reward="0.20")
    bench.mturk.update_hit_type_of_hit(HITId=hit_id, HITTypeId=other)
    hit = bench.mturk.get_hit(HITId=hit_id)["HIT"]
    expect((hit["HITTypeId"], hit["Reward"]) == (other, "0.20"), "The HIT does not take on the new type's fields.")
    bench.refuses("HITTypeDoesNotExist", bench.mturk.update_hit_type_of_hit, HITId=hit_id, HITTypeId=NO_ID)


def _deleting(bench: Bench) -> None:
    hit_id = bench.new_hit()["HITId"]
    bench.refuses("InvalidHITState", bench.mturk.delete_hit, HITId=hit_id)
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    bench.mturk.delete_hit(HITId=hit_id)
    expect(bench.status(hit_id) == "Disposed", "A deleted HIT is not Disposed.")
    listed = [hit["HITId"] for hit in bench.mturk.list_hits(MaxResults=100)["HITs"]]
    expect(hit_id not in listed, "ListHITs lists a deleted HIT.")
    bench.refuses("InvalidHITState", bench.mturk.delete_hit, HITId=hit_id)


def _not_with_unjudged_work(bench: Bench) -> None:
    hit_id = bench.new_hit()["HITId"]
    done = bench.submitted(hit_id)
    expect(bench.status(hit_id) == "Reviewable", "A HIT whose work is all submitted is not Reviewable.")
    bench.refuses("InvalidHITState", bench.mturk.delete_hit, HITId=hit_id)
    bench.mturk.approve_assignment(AssignmentId=done)
    bench.mturk.delete_hit(HITId=hit_id)


def _work_moves_a_hit(bench: Bench) -> None:
    hit_id, worker = bench.new_hit()["HITId"], bench.new_worker()
    held = worker.accept(hit_id)
    hit = bench.mturk.get_hit(HITId=hit_id)["HIT"]
    expect((hit["HITStatus"], hit["NumberOfAssignmentsPending"]) == ("Unassignable", 1), "Accepted: not Unassignable.")
    worker.give_back(held)
    expect(bench.status(hit_id) == "Assignable", "A returned HIT is not Assignable again.")
    worker.submit(worker.accept(hit_id), description="dots")
    expect(bench.status(hit_id) == "Reviewable", "A submitted HIT is not Reviewable.")
    bench.mturk.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1)
    expect(bench.status(hit_id) == "Assignable", "An extended HIT is not Assignable.")


CASES = [
    Case("CreateHITType", "equal fields are one HIT type", _types_with_the_same_fields_are_one),
    Case("CreateHITType", "bounds of every field", _type_bounds, ("ParameterValidationError",)),
    Case("CreateHITType", "requirements name known types", _type_with_unknown_qualification,
         ("QualificationTypeDoesNotExist",)),
    Case("CreateHIT", "a new HIT is Assignable, with all three kinds of question", _a_new_hit_is_assignable),
    Case("GetAccountBalance", "reward and fee of all assignments are held, and given back", _the_whole_price_is_held),
    Case("CreateHITWithHITType", "a token makes one HIT", _a_token_makes_one_hit, ("HitAlreadyExists",)),
    Case("CreateHITWithHITType", "bounds of every field", _hit_bounds, ("ParameterValidationError",)),
    Case("CreateHITWithHITType", "bad XML is refused", _bad_questions, ("XMLParseError",)),
    Case("CreateHITWithHITType", "a question is needed, layouts are refused", _a_question_is_needed,
         ("MissingParameter", "HITLayoutDoesNotExist")),
    Case("CreateHITWithHITType", "no HIT without the money", _too_dear, ("InsufficientFunds",)),
    Case("GetHIT", "unknown ids", _unknown_ids,
         ("HITTypeDoesNotExist", "HITDoesNotExist", "ParameterValidationError")),
    Case("UpdateExpirationForHIT", "unknown HITs cannot be changed or read", _unknown_hits_cannot_be_changed,
         ("HITDoesNotExist",)),
    Case("ListHITs", "pages without gap or repeat; tokens serve their own list", _lists_page_through,
         ("ParameterValidationError",)),
    Case("ListReviewableHITs", "by type and status", _reviewable_hits_are_listed),
    Case("UpdateHITReviewStatus", "Reviewable to Reviewing and back", _review_status, ("InvalidHITState",)),
    Case("UpdateExpirationForHIT", "expire, extend", _expiration_moves, ("ParameterValidationError",)),
    Case("CreateAdditionalAssignmentsForHIT", "extends once per token, never from below 10 to 10", _more_assignments,
         ("DuplicateRequest", "InvalidMaximumAssignmentsIncrease", "ParameterValidationError")),
    Case("UpdateHITTypeOfHIT", "a HIT takes on another type", _a_hit_changes_its_type, ("HITTypeDoesNotExist",)),
    Case("DeleteHIT", "only what is reviewable; then it vanishes from lists", _deleting, ("InvalidHITState",)),
    Case("DeleteHIT", "never with work that is not judged", _not_with_unjudged_work, ("InvalidHITState",), True),
    Case("GetHIT", "accepted, returned, submitted, extended: the status follows", _work_moves_a_hit, (), True),
]  # fmt: skip
