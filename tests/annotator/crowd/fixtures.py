"""What the crowd's tests share: a dissection of drawn tiles, a campaign over it, and one person's visit to a page."""

import json
import secrets
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db.models import F
from django.test import Client
from django.utils import timezone

from annotator.crowd.campaigns import publishing
from annotator.crowd.marketplaces.mturk.adapter import MTurkMarketplace, open_mturk
from annotator.crowd.marketplaces.mturk.visits import sign_visit
from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.crowd.outbox.session import Session
from annotator.sandbox.acts import accounts, working
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.sandbox.models import Assignment as SandboxAssignment
from annotator.sandbox.models import Person
from annotator.sandbox.models import Requester as SandboxRequester
from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_campaign, make_dissection
from tests.annotator.sandbox import serving


@pytest.fixture
def dissection(db: None, tmp_path: Path) -> Dissection:
    return make_dissection(tmp_path)


@pytest.fixture
def campaign(dissection: Dissection, settings: Any) -> Campaign:
    """At our own marketplace, whose account has credentials: its visits can be signed."""
    if not settings.MARKETPLACE_CREDENTIALS["own"][1]:
        settings.MARKETPLACE_CREDENTIALS = {**settings.MARKETPLACE_CREDENTIALS, "own": ("A key", "the secret of it")}
    return make_campaign(dissection)


@pytest.fixture
def hit(campaign: Campaign) -> HIT:
    hit = campaign.hits.order_by("id").first()
    assert hit is not None
    return hit


def read_config(page: Any) -> dict[str, Any]:
    """What a HIT page tells its script."""
    text = page.content.decode()
    start = text.index('id="hit-config"')
    return dict(json.loads(text[text.index(">", start) + 1 : text.index("</script>", start)]))


@dataclass
class Visitor:
    """One person at one HIT's page, by the same requests that its script makes."""

    hit: HIT
    assignment_id: str = "ASSIGNMENT1"
    worker_id: str = "AWORKER1"
    submit_to: str = settings.SANDBOX_URL
    # False: the address carries no proof, as at Amazon or from somebody who invents ids.
    is_signed: bool = True
    # What the script keeps in the browser.
    secret: str = "a-browser-of-ones-own"
    # The page's name for its submission: sent again, it is the same one.
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        self.client = Client()

    def forge(self, **changes: Any) -> "Visitor":
        """The same ids from another browser, without a proof."""
        browser = {"is_signed": False, "secret": secrets.token_hex(16), "client_id": str(uuid.uuid4())}
        return replace(self, **(browser | changes))

    def query(self) -> dict[str, str]:
        """What the marketplace puts into the page's address."""
        query = {
            "assignmentId": self.assignment_id,
            "hitId": self.hit.external_id,
            "workerId": self.worker_id,
            "turkSubmitTo": self.submit_to,
        }
        return query | ({"visitProof": self.sign()} if self.is_signed else {})

    def sign(self) -> str:
        _, secret = settings.MARKETPLACE_CREDENTIALS["own"]
        ids = {"assignment_id": self.assignment_id, "worker_id": self.worker_id, "hit_id": self.hit.external_id}
        return sign_visit(secret=secret, expires=int(time.time()) + 3600, **ids)

    def open(self, **changes: str) -> Any:
        return self.client.get(f"/hit/{self.hit.public_id}/?{urlencode(self.query() | changes)}")

    def config(self) -> dict[str, Any]:
        return read_config(self.open())

    def post(self, act: str, body: Any) -> Any:
        return self.client.post(f"/hit/{self.hit.public_id}/{act}", json.dumps(body), "application/json")

    def start(self, *, consent: bool = True) -> dict[str, Any]:
        body = {"token": self.config()["token"], "consent": consent, "secret": self.secret}
        return dict(self.post("start", body).json())

    def submit(self, work_token: str, **changes: Any) -> Any:
        answer = {
            "work_token": work_token,
            "client_id": self.client_id,
            "description": "lamp",
            "category": "object",
            "marked": [1, 2],
            "active_seconds": 61.0,
        }
        return self.post("submit", answer | changes)

    def hand_over(self, stored: dict[str, Any]) -> None:
        """The form that the page posts to the marketplace, over a real connection."""
        body = urlencode(stored["fields"]).encode()
        with urllib.request.urlopen(stored["submit_to"], body, timeout=60) as answer:
            assert answer.status == 200


@pytest.fixture
def visit(hit: HIT) -> Callable[..., Visitor]:
    return lambda **changes: Visitor(**({"hit": hit} | changes))


@dataclass
class Market:
    """The real sandbox behind a socket, our account there, and people who work there."""

    marketplace: MTurkMarketplace
    account: SandboxRequester
    clock: Callable[[], datetime]

    def publish(self, campaign: Campaign) -> None:
        publishing.publish_campaign(self.open_session(campaign))

    def open_session(self, campaign: Campaign) -> Session:
        return Session(campaign=campaign, marketplace=self.marketplace, clock=self.clock, pause=lambda seconds: None)

    def accept(self, hit: HIT, name: str) -> Visitor:
        """A person takes the HIT on the worker site; here are they on its page."""
        hit.refresh_from_db()
        assignment = self.take(SandboxHIT.objects.get(mturk_id=hit.external_id), name)
        person = assignment.person
        return Visitor(
            hit, assignment_id=assignment.mturk_id, worker_id=person.mturk_id, submit_to=settings.SANDBOX_URL
        )

    def enroll(self, name: str) -> Person:
        known = Person.objects.filter(name=name).first()
        return known or accounts.sign_up(name=name, country="US", invitation=None, now=self.clock())[0]

    def take(self, hit: SandboxHIT, name: str) -> SandboxAssignment:
        return working.accept(self.enroll(name), hit_id=hit.pk, now=self.clock())

    def work(self, hit: HIT, name: str, **changes: Any) -> Visitor:
        """Accepts, answers, and hands the form over; as long ago as the page says that the work took."""
        visitor = self.accept(hit, name)
        token = visitor.start()["work_token"]
        let_pass(visitor, seconds=changes.get("active_seconds", 61.0))
        visitor.hand_over(visitor.submit(token, **changes).json())
        return visitor


def let_pass(visitor: Visitor, *, seconds: float) -> None:
    """So long ago, by our clock and the marketplace's, the person accepted the HIT and started."""
    earlier = timedelta(seconds=seconds)
    for rows, name in (
        (Assignment.objects.filter(external_id=visitor.assignment_id), "started_at"),
        (SandboxAssignment.objects.filter(mturk_id=visitor.assignment_id), "accepted_at"),
    ):
        rows.update(**{name: F(name) - earlier})


@pytest.fixture
def market(transactional_db: None, settings: Any) -> Iterator[Market]:
    with serving.sandbox_server(settings):
        now = timezone.now
        account = accounts.open_account("own", balance_usd=Decimal("1000.00"), now=now())
        keys = (account.access_key_id, account.secret_access_key)
        settings.MARKETPLACE_CREDENTIALS = {**settings.MARKETPLACE_CREDENTIALS, "own": keys}
        yield Market(marketplace=open_mturk("own"), account=account, clock=now)
