"""Each of the three marketplaces at the wire: where calls go, how they are signed, what answers mean."""

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, SSLError
from django.conf import settings

from annotator.crowd.marketplaces.mturk import client
from annotator.crowd.marketplaces.mturk.client import MTurkClient
from annotator.crowd.marketplaces.mturk.facts import find_place
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused, MarketplaceSilent, NoCredentials, OutcomeUnknown
from annotator.crowd.models import HIT, Campaign

# Name -> (host called, whole turkSubmitTo, who may frame the page).
AT_THE_WIRE = {
    "own": ("127.0.0.1", settings.SANDBOX_URL, settings.SANDBOX_URL),
    "mturk-sandbox": (
        "mturk-requester-sandbox.us-east-1.amazonaws.com",
        "https://workersandbox.mturk.com",
        "https://workersandbox.mturk.com",
    ),
    "mturk": (
        "mturk-requester.us-east-1.amazonaws.com",
        "https://www.mturk.com",
        "https://worker.mturk.com https://www.mturk.com",
    ),
}


class Body:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **options: Any) -> Any:
        yield self.content

    def read(self) -> bytes:
        return self.content


class Wire:
    """The far end of a requester's line: keeps what is sent and answers what it is told to."""

    def __init__(self, name: str) -> None:
        self.sent: list[AWSPreparedRequest] = []
        self.status, self.document = 200, {"HITTypeId": "T1"}
        self.problem: Exception | None = None
        self.client = MTurkClient(find_place(name))
        self.client._client.meta.events.register("before-send.mturk", self._answer)

    def _answer(self, request: AWSPreparedRequest, **options: Any) -> AWSResponse:
        self.sent.append(request)
        if self.problem:
            raise self.problem
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, self.status, headers, Body(json.dumps(self.document).encode()))


@pytest.fixture(params=AT_THE_WIRE)
def wire(request: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Wire:
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)
    settings.MARKETPLACE_CREDENTIALS = dict.fromkeys(AT_THE_WIRE, ("AKIDTEST", "secret"))
    wire = Wire(request.param)
    assert wire.client.place.facts.name == request.param
    return wire


def test_a_call_goes_to_its_own_marketplace_signed_for_it(wire: Wire) -> None:
    fields = {"Title": "t", "Description": "d", "Reward": "0.50", "AssignmentDurationInSeconds": 60}
    assert wire.client.call("CreateHITType", fields) == {"HITTypeId": "T1"}
    request = wire.sent[0]
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    host = AT_THE_WIRE[wire.client.place.facts.name][0]
    assert request.method == "POST"
    assert host in request.url
    assert all(other[0] not in request.url for other in AT_THE_WIRE.values() if other[0] != host)
    assert headers["X-Amz-Target"] == "MTurkRequesterServiceV20170117.CreateHITType"
    assert "/us-east-1/mturk-requester/aws4_request" in headers["Authorization"]
    assert "Credential=AKIDTEST/" in headers["Authorization"]
    assert json.loads(request.body)["Reward"] == "0.50"


@pytest.mark.parametrize(
    ("status", "document", "outcome"),
    [
        (400, {"__type": "ThrottlingException", "Message": "slow"}, OutcomeUnknown),
        (500, {"__type": "ServiceFault", "Message": "broken"}, OutcomeUnknown),
        (503, {}, OutcomeUnknown),
        (400, {"__type": "RequestError", "Message": "no", "TurkErrorCode": "AWS.MechanicalTurk.X"}, MarketplaceRefused),
    ],
)
def test_what_an_answer_means(wire: Wire, status: int, document: dict[str, str], outcome: type[Exception]) -> None:
    wire.status, wire.document = status, document
    with pytest.raises(outcome) as told:
        wire.client.call("GetAccountBalance", {})
    if isinstance(told.value, MarketplaceRefused):
        assert told.value.code == "X"
    else:
        assert wire.client.place.facts.name in str(told.value)


def test_a_marketplace_that_is_gone_is_told_in_one_sentence(wire: Wire) -> None:
    wire.problem = EndpointConnectionError(endpoint_url="https://gone.example")
    with pytest.raises(MarketplaceSilent, match="does not answer"):
        wire.client.call("GetAccountBalance", {})


@pytest.mark.django_db
@pytest.mark.parametrize("name", AT_THE_WIRE)
def test_the_page_submits_to_and_is_framed_by_its_own_marketplace_alone(name: str, hit: HIT, visit: Any) -> None:
    Campaign.objects.filter(pk=hit.campaign_id).update(marketplace=name)
    _, submit_to, framed_by = AT_THE_WIRE[name]
    page = visit(submit_to=submit_to).open()
    assert page.status_code == 200
    assert page["Content-Security-Policy"].endswith(f"frame-ancestors {framed_by}")
    for _, other, _ in (row for key, row in AT_THE_WIRE.items() if key != name):
        assert visit(submit_to=other).open().status_code == 400


def test_a_certificate_that_cannot_be_checked_is_told_apart_from_silence(wire: Wire) -> None:
    wire.problem = SSLError(endpoint_url="https://market.example", error="self-signed certificate")
    with pytest.raises(MarketplaceSilent, match="AWS_CA_BUNDLE"):
        wire.client.call("GetAccountBalance", {})


def test_without_keys_nothing_is_called(settings: Any) -> None:
    settings.MARKETPLACE_CREDENTIALS = dict.fromkeys(AT_THE_WIRE, ("", ""))
    for name, prefix in (("own", "OWN"), ("mturk", "MTURK")):
        with pytest.raises(NoCredentials, match=f"{prefix}_ACCESS_KEY_ID"):
            MTurkClient(find_place(name))
