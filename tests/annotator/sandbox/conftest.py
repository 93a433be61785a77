"""Requesters, people and clients of a sandbox."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from annotator.sandbox import switchboard
from annotator.sandbox.acts import accounts
from annotator.sandbox.models import HIT, Assignment, Person, Requester
from tests.annotator.sandbox import serving

EXTERNAL_QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://example.org/hit?unit=1&amp;of=2</ExternalURL>'
    "<FrameHeight>0</FrameHeight></ExternalQuestion>"
)
HIT_TYPE = {
    "Title": "Describe what you see", "Description": "Look at pictures and say what they share.", "Reward": "0.50",
    "AssignmentDurationInSeconds": 600, "AutoApprovalDelayInSeconds": 3600, "Keywords": "images, describe",
}  # fmt: skip
# What fixtures below make and do.
Visit = Callable[[Person], Client]
NewPerson = Callable[..., Person]
NewHit = Callable[..., HIT]
Accept = Callable[[Client, HIT], Assignment]


@pytest.fixture(autouse=True)
def _sandbox_addresses(settings: Any) -> None:
    settings.ROOT_URLCONF = serving.URLCONF
    settings.SANDBOX_URL = serving.ENDPOINT
    settings.SANDBOX_CONTENT_URL = serving.CONTENT
    settings.ALLOWED_HOSTS = ["*"]
    switchboard.forget()


@pytest.fixture
def now() -> dt.datetime:
    return switchboard.Switchboard().now()


@pytest.fixture
def requester(db: None, now: dt.datetime) -> Requester:
    return accounts.open_account("lab", balance_usd=Decimal("1000.00"), now=now)


@pytest.fixture
def mturk(requester: Requester) -> Any:
    """A real boto3 client of the requester `lab`, answered in this process."""
    return serving.connect_here(key=requester.access_key_id, secret=requester.secret_access_key)


@pytest.fixture
def new_person(db: None, now: dt.datetime) -> Callable[..., Person]:
    """People by name, made when first asked for."""

    def make(name: str = "ada", country: str = "US") -> Person:
        found = Person.objects.filter(name=name).first()
        return found or accounts.sign_up(name=name, country=country, invitation=None, now=now)[0]

    return make


@pytest.fixture
def visit(db: None) -> Callable[[Person], Client]:
    """A browser in which this person is signed in."""

    def sign_in(person: Person) -> Client:
        client = Client(headers={"Host": "127.0.0.1:8001"})
        response = client.post("/worker/sign-in", {"key": accounts.renew_key(person)})
        assert response.status_code == 302
        return client

    return sign_in


@pytest.fixture
def served(transactional_db: None, settings: Any) -> Iterator[str]:
    """The address of a sandbox behind a real socket."""
    with serving.sandbox_server(settings) as address:
        yield address


@pytest.fixture
def move_clock() -> Callable[[float], None]:
    """Let so many seconds pass at the marketplace."""

    def move(seconds: float) -> None:
        board = switchboard.read()
        switchboard.turn(clock_offset_seconds=board.clock_offset_seconds + seconds)

    return move


@pytest.fixture
def new_hit(mturk: Any) -> Callable[..., HIT]:
    def make(question: str = EXTERNAL_QUESTION, **changes: Any) -> HIT:
        fields = {**HIT_TYPE, "LifetimeInSeconds": 3600, "Question": question, **changes}
        return HIT.objects.get(mturk_id=mturk.create_hit(**fields)["HIT"]["HITId"])

    return make


@pytest.fixture
def stranger(db: None) -> Client:
    return Client(headers={"Host": "127.0.0.1:8001"})


@pytest.fixture
def accept() -> Callable[[Client, HIT], Assignment]:
    """The assignment that this browser gets of this HIT."""

    def take(browser: Client, hit: HIT) -> Assignment:
        response = browser.post(f"/worker/hits/{hit.mturk_id}/accept")
        assert response.status_code == 302, response.content.decode()
        return Assignment.objects.latest("id")

    return take
