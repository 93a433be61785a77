"""A requester's client of the endpoint under test, and ways to expect a refusal."""

import datetime as dt
import itertools
import json
import secrets
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conformance.documents import QUESTION
from tests.conformance.outputs import find_problems

LONG_AGO = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
NO_ID = "3NOSUCHTHINGNOSUCHTHINGNOSUCHX"


def check_output(http_response: Any, model: Any, **kwargs: Any) -> None:
    """Botocore's after-call hook: an answer that is no error must have the published shape."""
    if http_response.status_code == 200:
        problems = list(find_problems(model.output_shape, json.loads(http_response.content), at=model.name))
        assert not problems, "; ".join(problems)


class Bench:
    """One requester's client of the endpoint under test."""

    def __init__(self, *, endpoint: str, key: str, secret: str) -> None:
        self.mturk: Any = boto3.client(
            "mturk", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key,
            aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )  # fmt: skip
        self.mturk.meta.events.register("after-call.mturk", check_output)
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)

    def name(self, what: str = "x") -> str:
        return f"{what} {self._run} {next(self._numbers)}"

    def type_fields(self, **changes: Any) -> dict[str, Any]:
        return {
            "Title": self.name("Describe"), "Description": "Say what you see.", "Reward": "0.10",
            "AssignmentDurationInSeconds": 600, "AutoApprovalDelayInSeconds": 3600, "Keywords": "images", **changes,
        }  # fmt: skip

    def new_type(self, **changes: Any) -> str:
        return str(self.mturk.create_hit_type(**self.type_fields(**changes))["HITTypeId"])

    def new_hit(self, **changes: Any) -> dict[str, Any]:
        fields = {"HITTypeId": "", "LifetimeInSeconds": 3600, "Question": QUESTION, **changes}
        fields["HITTypeId"] = fields["HITTypeId"] or self.new_type()
        return dict(self.mturk.create_hit_with_hit_type(**fields)["HIT"])

    def status(self, hit_id: str) -> str:
        return str(self.mturk.get_hit(HITId=hit_id)["HIT"]["HITStatus"])

    def state(self, assignment_id: str) -> str:
        return str(self.mturk.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"])

    def refuses(self, code: str, call: Callable[..., Any], **values: Any) -> str:
        """The message of a RequestError with this TurkErrorCode."""
        with pytest.raises(ClientError) as caught:
            call(**values)
        answer = caught.value.response
        found = (answer["Error"]["Code"], answer.get("TurkErrorCode"))
        assert found == ("RequestError", f"AWS.MechanicalTurk.{code}"), str(caught.value)
        return str(caught.value)
