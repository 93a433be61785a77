"""Checks of qualifications, blocks, messages and notifications."""

from typing import Any

import pytest

from tests.conformance.bench import NO_ID, Bench
from tests.conformance.documents import ANSWER_KEY, FORM
from tests.conformance.people import People, Worker

NO_WORKER = "ANOSUCHWORKER"


def _new_type(bench: Bench, **changes: Any) -> dict[str, Any]:
    fields = {
        "Name": bench.name("Qualification"), "Description": "For a check.", "QualificationTypeStatus": "Active",
        **changes,
    }  # fmt: skip
    return dict(bench.mturk.create_qualification_type(**fields)["QualificationType"])


def _ask(worker: Worker, type_id: str) -> str:
    worker.get("/worker/qualifications")
    return worker.post(f"/worker/qualifications/{type_id}/request")


@pytest.mark.checks(
    "CreateQualificationType",
    "made, read, unique by name",
    "QualificationTypeAlreadyExists",
    "QualificationTypeDoesNotExist",
)
@pytest.mark.checks("GetQualificationType", "made, read", "QualificationTypeDoesNotExist")
def test_types_are_made_and_read(bench: Bench) -> None:
    made = _new_type(bench, Keywords="a, b", AutoGranted=True, AutoGrantedValue=5)
    read = bench.mturk.get_qualification_type(QualificationTypeId=made["QualificationTypeId"])["QualificationType"]
    assert made == read, "GetQualificationType shows another type than was made."
    assert (made["AutoGranted"], made["AutoGrantedValue"], made["IsRequestable"]) == (True, 5, True), f"Found {made}."
    bench.refuses("QualificationTypeAlreadyExists", _new_type, bench=bench, Name=made["Name"])
    bench.refuses("QualificationTypeDoesNotExist", bench.mturk.get_qualification_type, QualificationTypeId=NO_ID)


@pytest.mark.checks(
    "CreateQualificationType", "what is refused", "ParameterValidationError", "MissingParameter", "XMLParseError"
)
def test_type_refusals(bench: Bench) -> None:
    for change in (
        {"AnswerKey": ANSWER_KEY}, {"Test": FORM, "TestDurationInSeconds": 60, "AutoGranted": True}, {"Name": " "},
        {"Description": "x" * 2001},
    ):  # fmt: skip
        bench.refuses("ParameterValidationError", _new_type, bench=bench, **change)
    bench.refuses("MissingParameter", _new_type, bench=bench, Test=FORM)
    bench.refuses("XMLParseError", _new_type, bench=bench, Test="<a/>", TestDurationInSeconds=60)


@pytest.mark.checks(
    "UpdateQualificationType", "status, test, retries", "InvalidQualificationTypeState", "ParameterValidationError"
)
def test_types_change(bench: Bench) -> None:
    type_id = _new_type(bench)["QualificationTypeId"]
    changed = bench.mturk.update_qualification_type(
        QualificationTypeId=type_id, Description="New.", QualificationTypeStatus="Inactive", Test=FORM,
        TestDurationInSeconds=60, AnswerKey=ANSWER_KEY, RetryDelayInSeconds=5,
    )["QualificationType"]  # fmt: skip
    found = (changed["Description"], changed["QualificationTypeStatus"], changed["RetryDelayInSeconds"])
    assert found == ("New.", "Inactive", 5), f"It changed to {found}."
    requirement = [{"QualificationTypeId": type_id, "Comparator": "Exists"}]
    bench.refuses("InvalidQualificationTypeState", bench.new_type, QualificationRequirements=requirement)
    bench.refuses(
        "ParameterValidationError", bench.mturk.update_qualification_type, QualificationTypeId=type_id, AutoGranted=True
    )


@pytest.mark.checks("ListQualificationTypes", "searched, page by page, with the marketplace's own")
def test_types_are_listed(bench: Bench) -> None:
    word = bench.name("word").replace(" ", "")
    made = [_new_type(bench, Keywords=word)["QualificationTypeId"] for _ in range(3)]
    pages = bench.mturk.get_paginator("list_qualification_types").paginate(
        Query=word, MustBeRequestable=True, MustBeOwnedByCaller=True, PaginationConfig={"PageSize": 2}
    )
    found = [one["QualificationTypeId"] for page in pages for one in page["QualificationTypes"]]
    assert found == made, "The paginator misses or repeats types."
    every = bench.mturk.get_paginator("list_qualification_types").paginate(MustBeRequestable=False)
    names = {one["Name"] for page in every for one in page["QualificationTypes"]}
    assert "Worker_Locale" in names, "The marketplace's own types are not listed."


@pytest.mark.checks(
    "DeleteQualificationType",
    "its HIT types go, its name is free",
    "QualificationTypeDoesNotExist",
    "HITTypeDoesNotExist",
)
def test_a_deleted_type_is_gone(bench: Bench) -> None:
    made = _new_type(bench)
    type_id = made["QualificationTypeId"]
    hit_type = bench.new_type(QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "Exists"}])
    bench.mturk.delete_qualification_type(QualificationTypeId=type_id)
    bench.refuses("QualificationTypeDoesNotExist", bench.mturk.delete_qualification_type, QualificationTypeId=type_id)
    bench.refuses("HITTypeDoesNotExist", bench.new_hit, HITTypeId=hit_type)
    _new_type(bench, Name=made["Name"])


@pytest.mark.checks(
    "AssociateQualificationWithWorker",
    "granted, scored, listed, revoked",
    "QualificationDoesNotExist",
    "InvalidQualificationState",
    "WorkerDoesNotExist",
)
@pytest.mark.checks("DisassociateQualificationFromWorker", "revoked once", "InvalidQualificationState")
@pytest.mark.checks(
    "GetQualificationScore", "value and status, while granted", "QualificationDoesNotExist", "InvalidQualificationState"
)
@pytest.mark.checks("ListWorkersWithQualificationType", "granted, revoked")
def test_granting_and_revoking(bench: Bench, people: People) -> None:
    type_id, worker = _new_type(bench)["QualificationTypeId"], people.new_worker()
    whom = {"QualificationTypeId": type_id, "WorkerId": worker.mturk_id}
    said = bench.refuses("QualificationDoesNotExist", bench.mturk.get_qualification_score, **whom)
    assert "does not exist" in said, "Clients match other words."
    bench.mturk.associate_qualification_with_worker(**whom, IntegerValue=80)
    score = bench.mturk.get_qualification_score(**whom)["Qualification"]
    assert (score["IntegerValue"], score["Status"]) == (80, "Granted"), f"The score is {score}."
    listed = bench.mturk.list_workers_with_qualification_type(QualificationTypeId=type_id)["Qualifications"]
    assert [one["WorkerId"] for one in listed] == [worker.mturk_id], "The holder is not listed."
    bench.mturk.disassociate_qualification_from_worker(**whom, Reason="Long ago.")
    bench.refuses("InvalidQualificationState", bench.mturk.disassociate_qualification_from_worker, **whom)
    said = bench.refuses("InvalidQualificationState", bench.mturk.get_qualification_score, **whom)
    assert "operation can be called with a status of: Granted" in said, "Clients match other words."
    gone = bench.mturk.list_workers_with_qualification_type(QualificationTypeId=type_id, Status="Revoked")
    assert gone["NumResults"] == 1, "The revoked one is not listed as revoked."
    bench.refuses(
        "WorkerDoesNotExist", bench.mturk.associate_qualification_with_worker, QualificationTypeId=type_id,
        WorkerId=NO_WORKER,
    )  # fmt: skip


@pytest.mark.checks("ListHITsForQualificationType", "and those without it may not accept")
def test_a_requirement_keeps_others_out(bench: Bench, people: People) -> None:
    type_id, worker = _new_type(bench)["QualificationTypeId"], people.new_worker()
    requirement = {"QualificationTypeId": type_id, "Comparator": "GreaterThan", "IntegerValues": [50]}
    hit_id = bench.new_hit(HITTypeId=bench.new_type(QualificationRequirements=[requirement]))["HITId"]
    listed = bench.mturk.list_hits_for_qualification_type(QualificationTypeId=type_id)["HITs"]
    assert [one["HITId"] for one in listed] == [hit_id], "ListHITsForQualificationType does not list the HIT."
    worker.get(f"/worker/hits/{hit_id}/")
    assert 'id="problem"' in worker.post(f"/worker/hits/{hit_id}/accept"), "One without the qualification may accept."
    bench.mturk.associate_qualification_with_worker(
        QualificationTypeId=type_id, WorkerId=worker.mturk_id, IntegerValue=51
    )
    people.submit(hit_id, worker)


@pytest.mark.checks("ListQualificationRequests", "in the order of asking")
@pytest.mark.checks("AcceptQualificationRequest", "grants the value, once", "InvalidQualificationState")
@pytest.mark.checks("RejectQualificationRequest", "ends a request")
def test_requests_are_answered(bench: Bench, people: People) -> None:
    type_id = _new_type(bench)["QualificationTypeId"]
    first, second = people.new_worker(), people.new_worker()
    _ask(first, type_id), _ask(second, type_id)
    asked = bench.mturk.list_qualification_requests(QualificationTypeId=type_id)["QualificationRequests"]
    assert [one["WorkerId"] for one in asked] == [first.mturk_id, second.mturk_id], "The requests are not listed."
    bench.mturk.accept_qualification_request(QualificationRequestId=asked[0]["QualificationRequestId"], IntegerValue=3)
    bench.mturk.reject_qualification_request(QualificationRequestId=asked[1]["QualificationRequestId"], Reason="No.")
    score = bench.mturk.get_qualification_score(QualificationTypeId=type_id, WorkerId=first.mturk_id)
    assert score["Qualification"]["IntegerValue"] == 3, "The accepted request gives another value."
    again = {"QualificationRequestId": asked[0]["QualificationRequestId"]}
    bench.refuses("InvalidQualificationState", bench.mturk.accept_qualification_request, **again)


@pytest.mark.checks("AcceptQualificationRequest", "unknown requests", "QualificationRequestDoesNotExist")
@pytest.mark.checks("RejectQualificationRequest", "unknown requests", "QualificationRequestDoesNotExist")
def test_unknown_requests(bench: Bench) -> None:
    for call in (bench.mturk.accept_qualification_request, bench.mturk.reject_qualification_request):
        bench.refuses("QualificationRequestDoesNotExist", call, QualificationRequestId=NO_ID)


@pytest.mark.checks("CreateQualificationType", "a test grants by its answer key")
def test_a_test_grants_by_its_key(bench: Bench, people: People) -> None:
    made = _new_type(bench, Test=FORM, AnswerKey=ANSWER_KEY, TestDurationInSeconds=600)
    worker = people.new_worker()
    _ask(worker, made["QualificationTypeId"])
    worker.post(worker.url, **{"answer:animal": "cat"})
    score = bench.mturk.get_qualification_score(
        QualificationTypeId=made["QualificationTypeId"], WorkerId=worker.mturk_id
    )["Qualification"]
    assert score["IntegerValue"] == 7, f"The test gives {score}."


@pytest.mark.checks("CreateWorkerBlock", "a blocked Worker cannot accept")
@pytest.mark.checks("DeleteWorkerBlock", "also where there is none")
@pytest.mark.checks("ListWorkerBlocks", "with reasons, page by page")
def test_blocks(bench: Bench, people: People) -> None:
    worker, hit_id = people.new_worker(), bench.new_hit()["HITId"]
    bench.mturk.create_worker_block(WorkerId=worker.mturk_id, Reason="For a check.")
    pages = bench.mturk.get_paginator("list_worker_blocks").paginate(PaginationConfig={"PageSize": 1})
    found = {one["WorkerId"]: one["Reason"] for page in pages for one in page["WorkerBlocks"]}
    assert found.get(worker.mturk_id) == "For a check.", "The block is not listed."
    worker.get(f"/worker/hits/{hit_id}/")
    assert 'id="problem"' in worker.post(f"/worker/hits/{hit_id}/accept"), "A blocked Worker may accept."
    bench.mturk.delete_worker_block(WorkerId=worker.mturk_id)
    bench.mturk.delete_worker_block(WorkerId=worker.mturk_id)
    people.submit(hit_id, worker)


@pytest.mark.checks("CreateWorkerBlock", "unknown Workers", "WorkerDoesNotExist")
def test_unknown_workers_cannot_be_blocked(bench: Bench) -> None:
    bench.refuses("WorkerDoesNotExist", bench.mturk.create_worker_block, WorkerId=NO_WORKER, Reason="x")
    bench.refuses("WorkerDoesNotExist", bench.mturk.delete_worker_block, WorkerId=NO_WORKER)


@pytest.mark.checks("NotifyWorkers", "reaches those whose work was judged", "ParameterValidationError")
def test_messages(bench: Bench, people: People) -> None:
    stranger, known = people.new_worker(), people.new_worker()
    bench.mturk.approve_assignment(AssignmentId=people.submit(bench.new_hit()["HITId"], known))
    subject = bench.name("Subject")
    failed = bench.mturk.notify_workers(
        Subject=subject, MessageText="Hello.", WorkerIds=[stranger.mturk_id, known.mturk_id]
    )["NotifyWorkersFailureStatuses"]
    found = [(one["WorkerId"], one["NotifyWorkersFailureCode"]) for one in failed]
    assert found == [(stranger.mturk_id, "HardFailure")], f"The failures are {found}."
    assert subject in known.get("/worker/messages"), "The message does not arrive."
    for change in ({"Subject": "x" * 201}, {"MessageText": "x" * 4097}, {"WorkerIds": [NO_WORKER] * 101}):
        values: dict[str, Any] = {"Subject": "s", "MessageText": "m", "WorkerIds": [NO_WORKER], **change}
        bench.refuses("ParameterValidationError", bench.mturk.notify_workers, **values)


@pytest.mark.checks(
    "UpdateNotificationSettings",
    "set, switched, checked",
    "MissingParameter",
    "ParameterValidationError",
    "HITTypeDoesNotExist",
    "InvalidTransportEndpoint",
)
@pytest.mark.checks("SendTestEventNotification", "any event", "InvalidTransportEndpoint")
def test_notifications(bench: Bench) -> None:
    hit_type = bench.new_type()
    good = {
        "Destination": "https://sqs.us-east-1.amazonaws.com/1/q", "Transport": "SQS", "Version": "2014-08-15",
        "EventTypes": ["AssignmentSubmitted"],
    }  # fmt: skip
    update, test = bench.mturk.update_notification_settings, bench.mturk.send_test_event_notification
    bench.refuses("MissingParameter", update, HITTypeId=hit_type)
    bench.refuses("ParameterValidationError", update, HITTypeId=hit_type, Active=True)
    update(HITTypeId=hit_type, Notification=good, Active=True)
    update(HITTypeId=hit_type, Active=False)
    test(Notification=good, TestEventType="Ping")
    test(Notification={**good, "Transport": "Email", "Destination": "lab@example.org"}, TestEventType="Ping")
    bench.refuses("HITTypeDoesNotExist", update, HITTypeId=NO_ID, Notification=good)
    wrong: list[dict[str, Any]] = [{"Version": "1999"}, {"EventTypes": []}, {"EventTypes": ["Ping"]}]
    for change in wrong:
        bench.refuses("ParameterValidationError", update, HITTypeId=hit_type, Notification={**good, **change})
    for change in ({"Destination": "nowhere"}, {"Transport": "SNS"}, {"Transport": "Email", "Destination": "nobody"}):
        bench.refuses("InvalidTransportEndpoint", test, Notification={**good, **change}, TestEventType="Ping")
