"""Whatever is sent, the answer is one of the protocol's own refusals: never a traceback, never an unhandled error."""

import json
import os
from typing import Any

from botocore.model import ListShape, StructureShape
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.sandbox.api import protocol, shapes
from annotator.sandbox.models import Requester

KNOWN = {
    "RequestError", "SerializationException", "UnknownOperationException", "MissingAuthenticationTokenException",
}  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["\x00", "\ud800", "9" * 400, "3" * 30, "A" * 65, "1e9", "-0", "\u202e", "' OR 1=1 --"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
CLIENT = Client(raise_request_exception=True, headers={"Host": "127.0.0.1:8001"})
OPERATIONS = sorted(shapes.service().operation_names)


@st.composite
def near_misses(draw: Any, shape: Any, depth: int = 0) -> Any:
    """Values of a shape's form, with junk here and there."""
    if depth > 3 or draw(st.integers(0, 5)) == 0:
        return draw(JUNK)
    if isinstance(shape, StructureShape):
        names = [name for name in shape.members if name in shape.required_members or draw(st.booleans())]
        return {name: draw(near_misses(shape.members[name], depth + 1)) for name in names}
    if isinstance(shape, ListShape):
        return draw(st.lists(near_misses(shape.member, depth + 1), max_size=3))
    if shape.type_name == "boolean":
        return draw(st.booleans())
    if shape.type_name in ("integer", "long", "timestamp"):
        return draw(st.sampled_from([0, 1, 30, 600, 3600, -1, 2**31, 2**63, 1e300, 1700000000.5]))
    choices = ["0.10", "3" * 30, "ABC", "a word", "", "<a/>", "US", *getattr(shape, "enum", [])]
    return draw(st.sampled_from(choices) | st.text(max_size=40))


@st.composite
def bodies(draw: Any) -> tuple[str, bytes]:
    """An operation and what is sent to it: cut JSON, deep JSON, JSON of about the right form."""
    operation = draw(st.sampled_from(OPERATIONS))
    shape = shapes.service().operation_model(operation).input_shape
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return operation, draw(st.binary(max_size=200))
    if kind == 1:
        return operation, b'{"a":' * draw(st.sampled_from([10, 5_000, 100_000])) + b"1"
    body = json.dumps(draw(near_misses(shape) if kind > 2 else JUNK)).encode()
    return operation, body[: draw(st.integers(0, len(body)))] if kind == 2 else body


def send(requester: Requester, operation: str, body: bytes) -> None:
    """Past the signature, which would refuse nearly all of it: the rest must hold by itself."""
    client = CLIENT
    target = f"{shapes.TARGET_PREFIX}.{operation}"
    response = client.generic("POST", "/", body, content_type=protocol.CONTENT_TYPE, headers={"X-Amz-Target": target})
    said = json.loads(response.content)
    assert response.status_code == 200 or (response.status_code == 400 and said["__type"] in KNOWN), said


def check_bodies(requester: Requester, *, n: int) -> None:
    @settings(max_examples=n, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(bodies())
    def story(sent: tuple[str, bytes]) -> None:
        send(requester, *sent)

    story()


def test_generated_bodies_are_answered_in_the_protocol(requester: Requester, monkeypatch: Any) -> None:
    """300 here; `make drill` sends 5,000."""
    monkeypatch.setattr(protocol.signatures, "authenticate", lambda *args, **kwargs: requester)
    check_bodies(requester, n=int(os.environ.get("SANDBOX_BODIES", "300")))


def test_a_body_without_a_signature_is_refused_before_it_is_read(db: None) -> None:
    response = Client(headers={"Host": "127.0.0.1:8001"}).generic("POST", "/", b"\xff" * 100)
    assert json.loads(response.content)["__type"] == "MissingAuthenticationTokenException"


def test_a_body_of_megabytes_is_refused(db: None) -> None:
    response = Client(headers={"Host": "127.0.0.1:8001"}).generic("POST", "/", b"x" * 3_000_000)
    assert (response.status_code, json.loads(response.content)["__type"]) == (413, "RequestEntityTooLargeException")
