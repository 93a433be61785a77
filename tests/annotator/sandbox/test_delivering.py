"""Event notifications arrive where the settings say, in Amazon's form; when they cannot, they are tried again."""

import datetime as dt
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from annotator.sandbox import delivering, switchboard
from annotator.sandbox.acts import working
from annotator.sandbox.models import HIT, Notification, Person
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE


class _Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted; plays as much of SQS and SNS as their clients need."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append((self.headers.get("X-Amz-Target", ""), body))  # type: ignore[attr-defined]
        answer = json.dumps({"MessageId": "1"}) if "X-Amz-Target" in self.headers else _SNS_ANSWER
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *args: Any) -> None:
        pass


_SNS_ANSWER = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId>'
    "</PublishResult></PublishResponse>"
)


@pytest.fixture
def receiver() -> Iterator[Any]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Receiver) as server:
        server.received, server.status = [], 200  # type: ignore[attr-defined]
        server.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(mturk: Any, settings: Any, receiver: Any) -> Any:
    """A HIT whose submissions are told to the webhook."""
    settings.SANDBOX_WEBHOOK_URL = receiver.url
    hit = mturk.create_hit(**HIT_TYPE, LifetimeInSeconds=3600, Question=EXTERNAL_QUESTION, MaxAssignments=5)["HIT"]
    specification = {
        "Destination": "arn:aws:sns:us-east-1:1:t", "Transport": "SNS", "Version": "2014-08-15",
        "EventTypes": ["AssignmentSubmitted", "HITExpired"],
    }  # fmt: skip
    mturk.update_notification_settings(HITTypeId=hit["HITTypeId"], Notification=specification, Active=True)
    return HIT.objects.get()


def submit(hit: HIT, person: Person, now: dt.datetime) -> str:
    assignment = working.accept(person, hit_id=hit.pk, now=now)
    working.submit(assignment.mturk_id, answer="", now=now)
    return assignment.mturk_id


def test_a_submission_is_told_in_amazons_form(
    told: HIT, receiver: Any, new_person: Callable[..., Person], now: dt.datetime
) -> None:
    assignment_id = submit(told, new_person(), now)
    assert delivering.deliver_due(now=now) == 1
    document = json.loads(receiver.received[0][1])
    assert document["EventDocVersion"] == "2014-08-15"
    [event] = document["Events"]
    assert (event["EventType"], event["HITId"], event["AssignmentId"]) == (
        "AssignmentSubmitted", told.mturk_id, assignment_id,
    )  # fmt: skip
    assert delivering.deliver_due(now=now) == 0


@pytest.mark.parametrize(("transport", "destination"), [("SQS", "https://q/1/q"), ("SNS", "arn:aws:sns:us-east-1:1:t")])
def test_aws_endpoints_of_the_settings_are_used_as_their_clients_do(
    mturk: Any, settings: Any, receiver: Any, now: dt.datetime, transport: str, destination: str
) -> None:
    setattr(settings, f"SANDBOX_{transport}_ENDPOINT", receiver.url)
    specification = {
        "Destination": destination, "Transport": transport, "Version": "2006-05-05", "EventTypes": ["Ping"],
    }  # fmt: skip
    mturk.send_test_event_notification(Notification=specification, TestEventType="Ping")
    assert delivering.deliver_due(now=now + dt.timedelta(seconds=1)) == 1
    assert "Ping" in receiver.received[0][1]
    assert destination.rpartition("/")[2] in receiver.received[0][1].replace("%3A", ":")


def test_what_cannot_be_delivered_is_tried_again_and_given_up_at_last(
    told: HIT, receiver: Any, new_person: Callable[..., Person], now: dt.datetime
) -> None:
    receiver.status = 500
    submit(told, new_person(), now)
    assert delivering.deliver_due(now=now) == 0
    row = Notification.objects.get()
    assert row.next_try_at is not None
    assert row.next_try_at > now
    assert "webhook" in row.problem
    receiver.status = 200
    assert delivering.deliver_due(now=row.next_try_at) == 1
    receiver.status = 500
    submit(told, new_person("bo"), now)
    while (row := Notification.objects.latest("id")).next_try_at is not None:
        delivering.deliver_due(now=row.next_try_at)
    assert row.n_tries == delivering.MAX_TRIES


def test_the_switchboard_loses_doubles_and_delays(
    told: HIT, receiver: Any, new_person: Callable[..., Person], now: dt.datetime
) -> None:
    switchboard.turn(notification_duplicate_rate=1.0)
    submit(told, new_person("a"), now)
    delivering.deliver_due(now=now)
    assert len(receiver.received) == 2
    switchboard.turn(notification_duplicate_rate=0.0, notification_loss_rate=1.0)
    submit(told, new_person("b"), now)
    assert delivering.deliver_due(now=now) == 0
    assert len(receiver.received) == 2
    switchboard.turn(notification_loss_rate=0.0, notification_reorder_rate=1.0)
    submit(told, new_person("c"), now)
    assert delivering.deliver_due(now=now) == 0
    assert delivering.deliver_due(now=now + dt.timedelta(seconds=6)) == 1


def test_an_event_that_is_not_asked_for_is_not_told(
    mturk: Any, told: HIT, new_person: Callable[..., Person], now: dt.datetime
) -> None:
    working.accept(new_person(), hit_id=told.pk, now=now)
    assert not Notification.objects.exists()
    mturk.update_notification_settings(HITTypeId=told.hit_type.mturk_id, Active=False)
    submit(told, new_person("bo"), now)
    assert not Notification.objects.exists()
