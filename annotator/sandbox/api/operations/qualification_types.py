"""Operations on qualification types: create, read, list, change, delete, and the HITs that need one."""

from typing import Any

from django.db.models import Q

from annotator.sandbox.acts import granting, qualifying
from annotator.sandbox.api import find, pagination, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import HIT, QualificationType
from annotator.sandbox.questions import answer_key, documents, question_form, safe_xml
from annotator.sandbox.rules.refusals import Code, Refused, bad_parameter
from annotator.sandbox.rules.states import HITStatus

# The marketplace's own types come last in the list, with numbers that no row has.
_COMPUTED_FROM = 2**62


def create_qualification_type(call: Call) -> dict[str, Any]:
    values = call.values
    _check_test(values)
    kind = QualificationType(
        requester=call.requester, name=values["Name"].strip(), description=values["Description"],
        keywords=values.get("Keywords", ""), is_active=values["QualificationTypeStatus"] == "Active",
        test=values.get("Test", ""), answer_key=values.get("AnswerKey", ""),
        test_duration_seconds=values.get("TestDurationInSeconds"),
        retry_delay_seconds=values.get("RetryDelayInSeconds"),
        is_auto_granted=values.get("AutoGranted", False), auto_granted_value=values.get("AutoGrantedValue", 1),
        created_at=call.now,
    )  # fmt: skip
    return {"QualificationType": wire.qualification_type_members(granting.create_type(kind))}


def _check_test(values: dict[str, Any]) -> None:
    """Checks which of Test, AnswerKey and TestDurationInSeconds are given together. Raises Refused."""
    if "Test" not in values:
        if "AnswerKey" in values or "TestDurationInSeconds" in values:
            raise bad_parameter("AnswerKey and TestDurationInSeconds need a Test.")
        return
    if "TestDurationInSeconds" not in values:
        raise Refused(Code.MISSING_PARAMETER, "A Test needs TestDurationInSeconds.")
    if values.get("AutoGranted"):
        raise bad_parameter("AutoGranted cannot be true where there is a Test.")
    if not isinstance(documents.check_question(values["Test"]), question_form.QuestionForm):
        raise bad_parameter("Test must be a QuestionForm.")
    if "AnswerKey" in values:
        try:
            answer_key.read_answer_key(values["AnswerKey"])
        except safe_xml.BadDocument as error:
            raise documents.refusal(error) from error


def update_qualification_type(call: Call) -> dict[str, Any]:
    """A new test replaces the old one with its key. The name cannot change, and retries cannot be forbidden later."""
    kind, values = find.own_qualification_type(call, is_locked=True), call.values
    _check_test(values)
    if "Test" in values:
        kind.test, kind.answer_key = values["Test"], values.get("AnswerKey", "")
        kind.test_duration_seconds = values["TestDurationInSeconds"]
    if kind.test and values.get("AutoGranted", kind.is_auto_granted):
        raise bad_parameter("AutoGranted cannot be true where there is a Test.")
    kind.description = values.get("Description", kind.description)
    kind.retry_delay_seconds = values.get("RetryDelayInSeconds", kind.retry_delay_seconds)
    kind.is_auto_granted = values.get("AutoGranted", kind.is_auto_granted)
    kind.auto_granted_value = values.get("AutoGrantedValue", kind.auto_granted_value)
    if "QualificationTypeStatus" in values:
        kind.is_active = values["QualificationTypeStatus"] == "Active"
    kind.save()
    return {"QualificationType": wire.qualification_type_members(kind)}


def delete_qualification_type(call: Call) -> dict[str, Any]:
    granting.delete_type(find.own_qualification_type(call, is_locked=True), now=call.now)
    return {}


def get_qualification_type(call: Call) -> dict[str, Any]:
    """Of any requester, since a HIT may require it; only the owner sees the answer key."""
    sought = call.values["QualificationTypeId"]
    if sought in qualifying.COMPUTED:
        return {"QualificationType": _computed_members(sought)}
    rows = QualificationType.objects.filter(mturk_id=sought, deleted_at=None)
    kind = find.first(rows, Code.QUALIFICATION_TYPE_DOES_NOT_EXIST, f"QualificationType {sought}")
    return {"QualificationType": _visible_members(kind, call)}


def _visible_members(kind: QualificationType, call: Call) -> dict[str, Any]:
    members = wire.qualification_type_members(kind)
    return members if kind.requester_id == call.requester.pk else {**members, "AnswerKey": None}


def _computed_members(type_id: str) -> dict[str, Any]:
    return {
        "QualificationTypeId": type_id, "Name": qualifying.COMPUTED[type_id],
        "Description": "Kept by the marketplace itself.", "QualificationTypeStatus": "Active", "IsRequestable": False,
        "AutoGranted": False,
    }  # fmt: skip


def list_qualification_types(call: Call) -> dict[str, Any]:
    values = call.values
    query, owned = values.get("Query", "").strip(), values.get("MustBeOwnedByCaller", False)
    rows = QualificationType.objects.filter(deleted_at=None)
    if owned:
        rows = rows.filter(requester=call.requester)
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(description__icontains=query) | Q(keywords__icontains=query))
    with_computed = not owned and not values["MustBeRequestable"]
    page = call.page(f"{query}/{owned}/{with_computed}")
    kinds, members = pagination.take(rows, page)
    shown = [_visible_members(kind, call) for kind in kinds]
    computed = _find_computed(query, page)[: page.size - len(shown)] if with_computed else []
    if computed:
        shown += [_computed_members(type_id) for _, type_id in computed]
        members = pagination.count(page, len(shown), last=computed[-1][0])
    return {**members, "QualificationTypes": shown}


def _find_computed(query: str, page: pagination.Page) -> list[tuple[int, str]]:
    """The marketplace's own types that come after this page's start, by the numbers that follow all rows."""
    after = page.after if page.after is not None and page.after >= _COMPUTED_FROM else _COMPUTED_FROM - 1
    return [
        (number, type_id)
        for number, type_id in enumerate(qualifying.COMPUTED, start=_COMPUTED_FROM)
        if number > after and query.lower() in qualifying.COMPUTED[type_id].lower()
    ]


def list_hits_for_qualification_type(call: Call) -> dict[str, Any]:
    sought = call.values["QualificationTypeId"]
    if sought not in qualifying.COMPUTED and not QualificationType.objects.filter(mturk_id=sought).exists():
        raise find.missing(Code.QUALIFICATION_TYPE_DOES_NOT_EXIST, f"QualificationType {sought}")
    rows = (
        HIT.objects.filter(requester=call.requester, hit_type__requirements__contains=[{"QualificationTypeId": sought}])
        .exclude(status=HITStatus.DISPOSED)
        .select_related("hit_type")
    )
    hits, members = pagination.take(rows, call.page(sought), is_newest_first=True)
    return {**members, "HITs": [wire.hit_members(hit) for hit in hits]}
