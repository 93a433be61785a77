"""The marketplace's route table: what a signed-out visitor, the person it belongs to and another person get.

A route without a row fails. Each cell is a real request, taken back before the next.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from annotator.sandbox.acts import granting
from annotator.sandbox.models import HIT, Assignment, Person, QualificationRequest, QualificationType
from tests.annotator.sandbox import serving
from tests.conformance.documents import ANSWER_KEY, FORM

IN, NO = "sign-in", "404"
# Route -> (method, signed out, the person it belongs to, another person).
TABLE = {
    "answer_call": ("POST", "400", "400", "400"),  # unsigned: the API knows signatures, not people
    "show_health": ("GET", "200", "200", "200"),
    "sandbox-external-submit": ("POST", "409", "409", "409"),  # of no assignment; the frame has no cookie
    "sandbox-printed-preview": ("GET", NO, NO, NO),  # without an id
    "sandbox-printed-group": ("GET", "302", "302", "302"),
    "sandbox-list": ("GET", "200", "200", "200"),
    "sandbox-sign-up": ("GET", "200", "200", "200"),
    "sandbox-sign-in": ("GET", "200", "200", "200"),
    "sandbox-sign-out": ("POST", "302", "302", "302"),
    "sandbox-account": ("GET", IN, "200", "200"),
    "sandbox-data": ("GET", IN, "200", "200"),
    "sandbox-leave": ("POST", IN, "400", "400"),  # without the WorkerId typed
    "sandbox-about": ("GET", "200", "200", "200"),
    "sandbox-report": ("GET", IN, "200", "200"),
    "sandbox-key": ("POST", IN, "200", "200"),
    "sandbox-group": ("GET", "200", "200", "200"),
    "sandbox-preview-next": ("GET", "302", "302", "302"),
    "sandbox-accept-next": ("POST", IN, "409", "302"),
    "sandbox-preview": ("GET", "200", "302", "200"),  # who has it is led to the work
    "sandbox-accept": ("POST", IN, "409", "302"),  # once a person
    "sandbox-content": ("GET", NO, NO, NO),  # an ExternalQuestion's content lies elsewhere
    "sandbox-work": ("GET", IN, "200", NO),
    "sandbox-return": ("POST", IN, "302", "409"),
    "sandbox-submit": ("POST", IN, "409", NO),  # a form of this site's own, which this HIT has not
    "sandbox-queue": ("GET", IN, "200", "200"),
    "sandbox-history": ("GET", IN, "200", "200"),
    "sandbox-qualifications": ("GET", IN, "200", "200"),
    "sandbox-request": ("POST", IN, "302", "302"),
    "sandbox-test": ("GET", IN, "200", NO),
    "sandbox-file": ("GET", "403", "403", "403"),  # a forged token
    "sandbox-messages": ("GET", IN, "200", "200"),
    "sandbox-write": ("GET", IN, "200", "200"),
}


def list_routes(resolver: URLResolver) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry.name or str(entry.lookup_str).split(".")[-1]
        else:
            yield from list_routes(entry)


def test_every_route_has_its_row() -> None:
    assert sorted(list_routes(get_resolver(serving.URLCONF))) == sorted(TABLE)


@pytest.fixture
def ids(
    new_hit: Callable[..., HIT], new_person: Callable[..., Person], mturk: Any, now: Any
) -> tuple[HIT, Person, QualificationRequest]:
    kind = mturk.create_qualification_type(
        Name="test", Description="test", QualificationTypeStatus="Active", Test=FORM, AnswerKey=ANSWER_KEY,
        TestDurationInSeconds=600,
    )  # fmt: skip
    request = granting.start_request(
        QualificationType.objects.get(mturk_id=kind["QualificationType"]["QualificationTypeId"]), new_person(), now=now
    )
    assert request is not None
    return new_hit(MaxAssignments=3), new_person(), request


def test_every_cell_is_as_written(
    ids: tuple[HIT, Person, QualificationRequest], new_person: Callable[..., Person], visit: Any, accept: Any
) -> None:
    hit, person, request = ids
    other_hit = HIT.objects.get(pk=hit.pk)
    owner, other, stranger = visit(person), visit(new_person("bob")), Client(headers={"Host": "127.0.0.1:8001"})
    assignment = accept(owner, other_hit)
    seen = {}
    for name, (method, *_) in TABLE.items():
        address = find_address(name, hit=hit, assignment=assignment, request=request)
        seen[name] = (method, *(ask(browser, method, address) for browser in (stranger, owner, other)))
    assert seen == TABLE


def find_address(name: str, *, hit: HIT, assignment: Assignment, request: QualificationRequest) -> str:
    if name in ("answer_call", "show_health"):
        return {"answer_call": "/", "show_health": "/healthz"}[name]
    values: dict[str, str] = {
        "group_id": hit.hit_type.group_id,
        "hit_id": hit.mturk_id,
        "assignment_id": assignment.mturk_id,
        "type_id": request.type.mturk_id,
        "request_id": request.mturk_id,
        "token": "forged",
        "page": "terms",
        "requester_id": hit.requester.mturk_id,
    }
    for key in (None, *values):
        try:
            return reverse(name, urlconf=serving.URLCONF, kwargs={key: values[key]} if key else {})
        except NoReverseMatch:
            continue
    raise AssertionError(name)


def ask(browser: Client, method: str, address: str) -> str:
    cookies = browser.cookies.copy()
    with transaction.atomic():
        response = browser.generic(method, address)
        transaction.set_rollback(True)
    browser.cookies = cookies
    assert response["X-Content-Type-Options"] == "nosniff", address
    is_sign_in = response.status_code == 302 and "/worker/sign-in" in response["Location"]
    return IN if is_sign_in else str(response.status_code)
