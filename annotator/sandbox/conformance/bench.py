"""What a check works with: a client of the endpoint under test, people who work there, and ways to expect a refusal."""

import datetime as dt
import http.cookiejar
import itertools
import json
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from annotator.sandbox.conformance import outputs

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://example.org/hit</ExternalURL><FrameHeight>0</FrameHeight>'
    "</ExternalQuestion>"
)
FORM = (
    f'<QuestionForm xmlns="{_SCHEMAS}/2005-10-01/QuestionForm.xsd">'
    "<Question><QuestionIdentifier>animal</QuestionIdentifier><IsRequired>true</IsRequired><QuestionContent>"
    "<Text>Which animal is it?</Text></QuestionContent><AnswerSpecification><SelectionAnswer><Selections><Selection>"
    "<SelectionIdentifier>cat</SelectionIdentifier><Text>a cat</Text></Selection><Selection><SelectionIdentifier>dog"
    "</SelectionIdentifier><Text>a dog</Text></Selection></Selections></SelectionAnswer></AnswerSpecification>"
    "</Question></QuestionForm>"
)
UPLOAD_FORM = (
    f'<QuestionForm xmlns="{_SCHEMAS}/2005-10-01/QuestionForm.xsd">'
    "<Question><QuestionIdentifier>photo</QuestionIdentifier><QuestionContent><Text>A photograph, please.</Text>"
    "</QuestionContent><AnswerSpecification><FileUploadAnswer><MaxFileSizeInBytes>1000</MaxFileSizeInBytes>"
    "<MinFileSizeInBytes>1</MinFileSizeInBytes></FileUploadAnswer></AnswerSpecification></Question></QuestionForm>"
)
ANSWER_KEY = (
    '<AnswerKey xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd">'
    "<Question><QuestionIdentifier>animal</QuestionIdentifier><AnswerOption><SelectionIdentifier>cat"
    "</SelectionIdentifier><AnswerScore>7</AnswerScore></AnswerOption></Question></AnswerKey>"
)
LONG_AGO = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
NO_ID = "3NOSUCHTHINGNOSUCHTHINGNOSUCHX"


class NotAsDocumented(Exception):
    """The endpoint did something else; the message says what was expected and what came."""


def expect(is_so: bool, words: str) -> None:
    if not is_so:
        raise NotAsDocumented(words)


def check_output(http_response: Any, model: Any, **kwargs: Any) -> None:
    """Botocore's after-call hook: every answer that is no error has the published shape. Raises NotAsDocumented."""
    if http_response.status_code == 200:
        problems = list(outputs.find_problems(model.output_shape, json.loads(http_response.content), at=model.name))
        expect(not problems, "; ".join(problems))


class Worker:
    """A person at the endpoint's worker site, with cookies and without scripts."""

    def __init__(self, site: str, name: str) -> None:
        self.site = site
        self.page = ""
        self.url = ""
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.get("/worker/sign-up")
        self.post("/worker/sign-up", name=name, country="US", of_age="1")
        self.mturk_id = self.find(r'data-worker-id="(\w+)"')

    def get(self, path: str) -> str:
        return self._open(path, None, "")

    def post(self, path: str, **fields: str) -> str:
        fields["csrfmiddlewaretoken"] = self._token()
        return self._open(path, urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def upload(self, path: str, field: str, content: bytes) -> str:
        edge = secrets.token_hex(8)
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{self._token()}\r\n',
            f'--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="a.bin"\r\n\r\n',
        ]
        body = "".join(parts).encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self._open(path, body, f"multipart/form-data; boundary={edge}")

    def _token(self) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page)
        return token[1] if token else ""

    def _open(self, path: str, data: bytes | None, kind: str) -> str:
        headers = {"Referer": self.site, **({"Content-Type": kind} if kind else {})}
        request = urllib.request.Request(urllib.parse.urljoin(self.site, path), data, headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=30) as response:
                self.page, self.url = response.read().decode(), response.url
        except urllib.error.HTTPError as error:
            self.page = error.read().decode()
        return self.page

    def find(self, pattern: str) -> str:
        match = re.search(pattern, self.page)
        expect(match is not None, f"The worker site shows nothing like {pattern}.")
        assert match is not None
        return match[1]

    def accept(self, hit_id: str) -> str:
        self.get(f"/worker/hits/{hit_id}/")
        self.post(f"/worker/hits/{hit_id}/accept")
        return self.find(r'data-assignment-id="(\w+)"')

    def submit(self, assignment_id: str, **answer: str) -> None:
        self._open(
            "/mturk/externalSubmit", urllib.parse.urlencode({"assignmentId": assignment_id, **answer}).encode(), ""
        )
        self.find(r'(id="submitted")')

    def give_back(self, assignment_id: str) -> None:
        self.get(f"/worker/assignments/{assignment_id}/")
        self.post(f"/worker/assignments/{assignment_id}/return")


class Bench:
    """One requester's client and as many people as the checks need."""

    def __init__(self, *, endpoint: str, key: str, secret: str, worker_site: str = "") -> None:
        self.mturk: Any = boto3.client(
            "mturk", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key,
            aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )  # fmt: skip
        self.mturk.meta.events.register("after-call.mturk", check_output)
        self.worker_site = worker_site
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)

    def name(self, what: str = "x") -> str:
        return f"{what} {self._run} {next(self._numbers)}"

    def new_worker(self) -> Worker:
        return Worker(self.worker_site, f"simulated-{self._run}-{next(self._numbers)}")

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

    def submitted(self, hit_id: str, worker: Worker | None = None, **answer: str) -> str:
        worker = worker or self.new_worker()
        assignment_id = worker.accept(hit_id)
        worker.submit(assignment_id, **(answer or {"description": "stripes"}))
        return assignment_id

    def status(self, hit_id: str) -> str:
        return str(self.mturk.get_hit(HITId=hit_id)["HIT"]["HITStatus"])

    def state(self, assignment_id: str) -> str:
        return str(self.mturk.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"])

    def refuses(self, code: str, call: Callable[..., Any], **values: Any) -> str:
        """The message of a RequestError with this TurkErrorCode."""
        try:
            call(**values)
        except ClientError as error:
            kind, found = error.response["Error"]["Code"], error.response.get("TurkErrorCode", "")
            expect(
                (kind, found) == ("RequestError", f"AWS.MechanicalTurk.{code}"),
                f"Expected RequestError {code}, found {kind} {found}: {error}",
            )
            return str(error)
        raise NotAsDocumented(f"Expected RequestError {code}; the call succeeded.")
