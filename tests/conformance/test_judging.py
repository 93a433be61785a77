"""Checks of assignments, bonuses, review policies and uploaded files."""

from typing import Any

import httpx
import pytest

from tests.conformance.bench import LONG_AGO, NO_ID, Bench
from tests.conformance.documents import UPLOAD_FORM
from tests.conformance.people import People


@pytest.mark.checks("GetAssignment", "what was submitted, by whom, with its times", "AssignmentDoesNotExist")
def test_an_assignment_is_read(bench: Bench, people: People) -> None:
    hit_id, worker = bench.new_hit()["HITId"], people.new_worker()
    held = worker.accept(hit_id)
    bench.refuses("AssignmentDoesNotExist", bench.mturk.get_assignment, AssignmentId=held)
    worker.submit(held, description="stripes & <dots>")
    found = bench.mturk.get_assignment(AssignmentId=held)
    one = found["Assignment"]
    assert found["HIT"]["HITId"] == hit_id, "It belongs to another HIT."
    assert one["WorkerId"] == worker.mturk_id, "It belongs to another Worker."
    assert "<FreeText>stripes &amp; &lt;dots&gt;</FreeText>" in one["Answer"], "The answer is not what was submitted."
    assert (one["AutoApprovalTime"] - one["SubmitTime"]).total_seconds() == 3600, "It is not approved after an hour."
    assert (one["Deadline"] - one["AcceptTime"]).total_seconds() == 600, "Its deadline is not after 10 minutes."


@pytest.mark.checks("GetAssignment", "unknown assignments", "AssignmentDoesNotExist")
def test_unknown_assignments(bench: Bench) -> None:
    for call, values in (
        (bench.mturk.get_assignment, {}),
        (bench.mturk.approve_assignment, {}),
        (bench.mturk.reject_assignment, {"RequesterFeedback": "no"}),
        (bench.mturk.get_file_upload_url, {"QuestionIdentifier": "photo"}),
        (bench.mturk.list_bonus_payments, {}),
    ):
        bench.refuses("AssignmentDoesNotExist", call, AssignmentId=NO_ID, **values)


@pytest.mark.checks("ListAssignmentsForHIT", "by status, page by page")
def test_lists_by_status(bench: Bench, people: People) -> None:
    hit_id = bench.new_hit(MaxAssignments=5)["HITId"]
    slow = people.new_worker()
    held = slow.accept(hit_id)
    done = [people.submit(hit_id) for _ in range(3)]
    slow.submit(held, description="slowly")
    done.append(held)
    bench.mturk.approve_assignment(AssignmentId=done[0])
    bench.mturk.reject_assignment(AssignmentId=done[1], RequesterFeedback="Empty.")
    pages = bench.mturk.get_paginator("list_assignments_for_hit").paginate(
        HITId=hit_id, PaginationConfig={"PageSize": 3}
    )
    found = [one["AssignmentId"] for page in pages for one in page["Assignments"]]
    assert found == done, "The paginator misses, repeats or reorders assignments."
    for states, wanted in ((["Submitted"], done[2:]), (["Approved", "Rejected"], done[:2])):
        listed = bench.mturk.list_assignments_for_hit(HITId=hit_id, AssignmentStatuses=states)["Assignments"]
        assert [one["AssignmentId"] for one in listed] == wanted, f"The list of {states} is wrong."


@pytest.mark.checks("ApproveAssignment", "pays reward and fee, once", "InvalidAssignmentState")
def test_approving_pays_once(bench: Bench, people: People) -> None:
    hit_id = bench.new_hit()["HITId"]
    done = people.submit(hit_id)
    before = float(bench.mturk.get_account_balance()["OnHoldBalance"])
    bench.mturk.approve_assignment(AssignmentId=done, RequesterFeedback="Thank you.")
    one = bench.mturk.get_assignment(AssignmentId=done)["Assignment"]
    assert (one["AssignmentStatus"], one["RequesterFeedback"]) == ("Approved", "Thank you."), "It is not approved."
    assert "ApprovalTime" in one, "It has no ApprovalTime."
    assert "RejectionTime" not in one, "It has a RejectionTime."
    paid = round(before - float(bench.mturk.get_account_balance()["OnHoldBalance"]), 2)
    assert paid == 0.12, f"0.10 with a fee of 20 % cost {paid}."
    bench.refuses("InvalidAssignmentState", bench.mturk.approve_assignment, AssignmentId=done)
    bench.refuses("InvalidAssignmentState", bench.mturk.reject_assignment, AssignmentId=done, RequesterFeedback="No.")


@pytest.mark.checks("RejectAssignment", "gives the money back; can be turned over", "InvalidAssignmentState")
def test_a_rejection_can_be_turned_over(bench: Bench, people: People) -> None:
    hit_id = bench.new_hit()["HITId"]
    done = people.submit(hit_id)
    before = float(bench.mturk.get_account_balance()["AvailableBalance"])
    bench.mturk.reject_assignment(AssignmentId=done, RequesterFeedback="Empty.")
    back = round(float(bench.mturk.get_account_balance()["AvailableBalance"]) - before, 2)
    assert back == 0.12, f"A rejection gives back {back} instead of 0.12."
    bench.refuses("InvalidAssignmentState", bench.mturk.approve_assignment, AssignmentId=done)
    bench.mturk.approve_assignment(AssignmentId=done, OverrideRejection=True)
    assert bench.state(done) == "Approved", "OverrideRejection does not approve."


@pytest.mark.checks("ApproveAssignment", "no rejection of a deleted HIT is turned over", "InvalidHITState")
def test_not_after_deletion(bench: Bench, people: People) -> None:
    hit_id = bench.new_hit()["HITId"]
    done = people.submit(hit_id)
    bench.mturk.reject_assignment(AssignmentId=done, RequesterFeedback="Empty.")
    bench.mturk.delete_hit(HITId=hit_id)
    bench.refuses("InvalidHITState", bench.mturk.approve_assignment, AssignmentId=done, OverrideRejection=True)


@pytest.mark.checks("SendBonus", "pays amount and fee, once per token", "DuplicateRequest")
@pytest.mark.checks("ListBonusPayments", "of a HIT, of an assignment")
def test_bonuses(bench: Bench, people: People) -> None:
    hit_id, worker = bench.new_hit()["HITId"], people.new_worker()
    values: dict[str, Any] = {
        "AssignmentId": people.submit(hit_id, worker), "WorkerId": worker.mturk_id, "BonusAmount": "1.50",
        "Reason": "Well said.", "UniqueRequestToken": bench.name("token"),
    }  # fmt: skip
    before = float(bench.mturk.get_account_balance()["AvailableBalance"])
    bench.mturk.send_bonus(**values)
    bench.refuses("DuplicateRequest", bench.mturk.send_bonus, **values)
    cost = round(before - float(bench.mturk.get_account_balance()["AvailableBalance"]), 2)
    assert cost == 1.80, f"A bonus of 1.50 with a fee of 20 % cost {cost}."
    for chosen in ({"HITId": hit_id}, {"AssignmentId": values["AssignmentId"]}):
        paid = bench.mturk.list_bonus_payments(**chosen)["BonusPayments"]
        found = [(one["BonusAmount"], one["WorkerId"], one["Reason"]) for one in paid]
        assert found == [("1.50", worker.mturk_id, "Well said.")], f"ListBonusPayments shows {found}."


@pytest.mark.checks(
    "SendBonus",
    "what is refused",
    "ParameterValidationError",
    "WorkerDoesNotExist",
    "AssignmentDoesNotExist",
    "InsufficientFunds",
    "MissingParameter",
)
def test_bonus_refusals(bench: Bench, people: People) -> None:
    hit_id, worker = bench.new_hit()["HITId"], people.new_worker()
    good = {
        "AssignmentId": people.submit(hit_id, worker), "WorkerId": worker.mturk_id, "BonusAmount": "1",
        "Reason": "x",
    }  # fmt: skip
    send = bench.mturk.send_bonus
    bench.refuses("ParameterValidationError", send, **{**good, "BonusAmount": "0"})
    bench.refuses("ParameterValidationError", send, **{**good, "Reason": " "})
    bench.refuses("ParameterValidationError", send, **{**good, "WorkerId": people.new_worker().mturk_id})
    bench.refuses("WorkerDoesNotExist", send, **{**good, "WorkerId": "ANOSUCHWORKER"})
    bench.refuses("AssignmentDoesNotExist", send, **{**good, "AssignmentId": NO_ID})
    bench.refuses("InsufficientFunds", send, **{**good, "BonusAmount": "90000000"})
    bench.refuses("MissingParameter", bench.mturk.list_bonus_payments)


@pytest.mark.checks("ListReviewPolicyResultsForHIT", "known answers approve, reject and extend")
def test_known_answers(bench: Bench, people: People) -> None:
    policy = {
        "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
        "Parameters": [
            {"Key": "AnswerKey", "MapEntries": [{"Key": "animal", "Values": ["cat"]}]},
            {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["100"]},
            {"Key": "RejectIfKnownAnswerScoreIsLessThan", "Values": ["100"]},
            {"Key": "RejectReason", "Values": ["It is a cat."]},
            {"Key": "ExtendIfKnownAnswerScoreIsLessThan", "Values": ["100"]},
        ],
    }
    hit_id = bench.new_hit(MaxAssignments=2, AssignmentReviewPolicy=policy)["HITId"]
    right, wrong = people.submit(hit_id, animal=" cat "), people.submit(hit_id, animal="dog")
    assert (bench.state(right), bench.state(wrong)) == ("Approved", "Rejected"), (
        "The policy does not approve and reject."
    )
    assert bench.mturk.get_hit(HITId=hit_id)["HIT"]["MaxAssignments"] == 3, "The policy does not extend."
    found = bench.mturk.list_review_policy_results_for_hit(HITId=hit_id)
    report = found["AssignmentReviewReport"]
    scores = {one["SubjectId"]: one["Value"] for one in report["ReviewResults"] if one["Key"] == "KnownAnswerScore"}
    assert scores == {right: "100", wrong: "0"}, f"The scores are {scores}."
    actions = {one["ActionName"] for one in report["ReviewActions"]}
    assert actions == {"review", "approve", "reject", "extend"}, f"The actions reported are {actions}."
    few = bench.mturk.list_review_policy_results_for_hit(HITId=hit_id, PolicyLevels=["HIT"], RetrieveActions=False)
    assert "AssignmentReviewReport" not in few, "The report of the other level is shown too."


@pytest.mark.checks("ListReviewPolicyResultsForHIT", "plurality, with Amazon's own example")
def test_plurality(bench: Bench, people: People) -> None:
    policy = {
        "PolicyName": "SimplePlurality/2011-09-01",
        "Parameters": [
            {"Key": "QuestionIds", "Values": ["garment", "fur"]},
            {"Key": "QuestionAgreementThreshold", "Values": ["50"]},
            {"Key": "ApproveIfWorkerAgreementScoreIsAtLeast", "Values": ["100"]},
        ],
    }
    hit_id = bench.new_hit(MaxAssignments=3, HITReviewPolicy=policy)["HITId"]
    given = [("coat", "Furry"), ("sweater", "fur"), ("coat", "furr")]
    done = [people.submit(hit_id, garment=garment, fur=fur) for garment, fur in given]
    assert [bench.state(one) for one in done] == ["Approved", "Submitted", "Approved"], "The majority is not approved."
    results = bench.mturk.list_review_policy_results_for_hit(HITId=hit_id)["HITReviewReport"]["ReviewResults"]
    levels = {one["QuestionId"]: one["Value"] for one in results if one["Key"] == "PluralityLevel"}
    answers = {one["QuestionId"]: one["Value"] for one in results if one["Key"] == "PluralityAnswer"}
    assert levels == {"garment": "66", "fur": "33"}, f"Found {levels}, {answers}."
    assert answers == {"garment": "coat"}, f"Found {levels}, {answers}."


@pytest.mark.checks(
    "ListReviewPolicyResultsForHIT",
    "policies that cannot be carried out",
    "ParameterValidationError",
    "HITDoesNotExist",
)
def test_policy_refusals(bench: Bench) -> None:
    no_key = {"PolicyName": "ScoreMyKnownAnswers/2011-09-01", "Parameters": []}
    bench.refuses("ParameterValidationError", bench.new_hit, AssignmentReviewPolicy=no_key)
    no_ids = {"PolicyName": "SimplePlurality/2011-09-01"}
    bench.refuses("ParameterValidationError", bench.new_hit, HITReviewPolicy=no_ids)
    bench.refuses("HITDoesNotExist", bench.mturk.list_review_policy_results_for_hit, HITId=NO_ID)


@pytest.mark.checks("GetFileUploadURL", "the file of an answer", "ParameterValidationError")
def test_an_uploaded_file(bench: Bench, people: People) -> None:
    hit_id, worker = bench.new_hit(Question=UPLOAD_FORM)["HITId"], people.new_worker()
    held = worker.accept(hit_id)
    worker.upload(f"/worker/assignments/{held}/submit", "answer:photo", b"\x89PNG")
    answer = bench.mturk.get_assignment(AssignmentId=held)["Assignment"]["Answer"]
    assert "<UploadedFileSizeInBytes>4</UploadedFileSizeInBytes>" in answer, "The answer does not give the file's size."
    url = bench.mturk.get_file_upload_url(AssignmentId=held, QuestionIdentifier="photo")["FileUploadURL"]
    assert httpx.get(url).content == b"\x89PNG", "The address does not give the file."
    bench.refuses(
        "ParameterValidationError", bench.mturk.get_file_upload_url, AssignmentId=held, QuestionIdentifier="other"
    )


@pytest.mark.checks("UpdateExpirationForHIT", "work in progress may be finished")
def test_expired_work_may_be_finished(bench: Bench, people: People) -> None:
    hit_id, worker = bench.new_hit()["HITId"], people.new_worker()
    held = worker.accept(hit_id)
    bench.mturk.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    assert bench.status(hit_id) == "Unassignable", "An expired HIT with work in progress is not Unassignable."
    worker.submit(held, description="late")
    assert bench.status(hit_id) == "Reviewable", "It is not Reviewable after the submission."
