"""A call is done for the one whose key signed it, and refused as AWS refuses it otherwise."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from django.test import Client

from annotator.sandbox.acts import accounts
from annotator.sandbox.models import Requester
from tests.annotator.sandbox import serving
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE

TARGET = "MTurkRequesterServiceV20170117.GetAccountBalance"


def signed_headers(requester: Requester, body: bytes = b"{}", **changes: str) -> dict[str, str]:
    headers = {"X-Amz-Target": changes.pop("target", TARGET), "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", serving.ENDPOINT + "/", headers=headers, data=body)
    key, secret = changes.pop("key", requester.access_key_id), changes.pop("secret", requester.secret_access_key)
    SigV4Auth(Credentials(key, secret), changes.pop("service", "mturk-requester"), "us-east-1").add_auth(request)
    return {**dict(request.headers), **changes}


def post(headers: dict[str, str], body: bytes = b"{}") -> tuple[int, dict[str, Any]]:
    headers = {"Host": "127.0.0.1:8001", **headers}
    response = Client().generic("POST", "/", body, content_type=headers.pop("Content-Type"), headers=headers)
    return response.status_code, json.loads(response.content)


def test_a_right_signature_is_taken(requester: Requester) -> None:
    assert post(signed_headers(requester)) == (200, {"AvailableBalance": "1000.00", "OnHoldBalance": "0.00"})


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"secret": "another"}, "InvalidSignatureException"),
        ({"key": "SANDBOXNOBODY"}, "UnrecognizedClientException"),
        ({"key": "AKIAIOSFODNN7EXAMPLE"}, "UnrecognizedClientException"),
        ({"service": "s3"}, "InvalidSignatureException"),
        ({"X-Amz-Security-Token": "a token"}, "UnrecognizedClientException"),
        ({"X-Amz-Content-SHA256": "0" * 64}, "InvalidSignatureException"),
        ({"X-Amz-Date": "20170117T000000Z"}, "InvalidSignatureException"),
        ({"X-Amz-Date": "yesterday"}, "IncompleteSignatureException"),
        ({"Authorization": "Basic YTpi"}, "IncompleteSignatureException"),
        ({"Authorization": ""}, "MissingAuthenticationTokenException"),
    ],
)
def test_a_wrong_one_is_refused(requester: Requester, change: dict[str, str], kind: str) -> None:
    status, said = post(signed_headers(requester, **change))
    assert (status, said["__type"]) == (400, kind)


def test_a_changed_body_is_refused(requester: Requester) -> None:
    status, said = post(signed_headers(requester), b'{"a": 1}')
    assert (status, said["__type"]) == (400, "InvalidSignatureException")


def test_another_signed_header_is_refused(requester: Requester) -> None:
    status, said = post(signed_headers(requester) | {"X-Amz-Target": TARGET.replace("GetAccountBalance", "ListHITs")})
    assert (status, said["__type"]) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_or_a_future_date_is_refused(requester: Requester, minutes: int, monkeypatch: Any) -> None:
    shifted = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
    monkeypatch.setattr("annotator.sandbox.switchboard.machine_now", lambda: shifted)
    status, said = post(signed_headers(requester))
    assert (status, said["__type"]) == (400, "InvalidSignatureException")
    assert ("expired" in said["message"]) == (minutes > 0)


def test_an_aws_key_is_told_that_this_is_a_sandbox(requester: Requester) -> None:
    _, said = post(signed_headers(requester, key="AKIAIOSFODNN7EXAMPLE"))
    assert "takes no AWS key" in said["message"]


@pytest.mark.parametrize("target", ["MTurkRequesterServiceV20170117.PrintMoney", "Other.GetAccountBalance", ""])
def test_an_unknown_operation_is_refused_by_name(requester: Requester, target: str) -> None:
    status, said = post(signed_headers(requester, target=target))
    assert (status, said["__type"]) == (400, "UnknownOperationException")


def test_a_client_sees_the_refusal_as_its_own_exception(requester: Requester) -> None:
    client = serving.connect_here(key=requester.access_key_id, secret="another")
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        client.list_hits()


def test_one_requester_sees_nothing_of_another(mturk: Any, now: dt.datetime) -> None:
    hit = mturk.create_hit(**HIT_TYPE, LifetimeInSeconds=60, Question=EXTERNAL_QUESTION)["HIT"]
    other = accounts.open_account("other", balance_usd=Decimal(10), now=now)
    stranger = serving.connect_here(key=other.access_key_id, secret=other.secret_access_key)
    for call, values in (
        (stranger.get_hit, {"HITId": hit["HITId"]}),
        (stranger.delete_hit, {"HITId": hit["HITId"]}),
        (stranger.list_assignments_for_hit, {"HITId": hit["HITId"]}),
    ):
        with pytest.raises(ClientError, match="does not exist"):
            call(**values)
    assert stranger.list_hits()["HITs"] == []
