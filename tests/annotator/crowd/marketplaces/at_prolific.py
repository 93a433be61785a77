"""A campaign at Prolific's stand-in, and people who take part there."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.judging.rejecting import propose_rejection
from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.models import Assignment, Campaign
from annotator.crowd.outbox.session import Session, open_session
from annotator.units.models import Dissection
from tests.annotator.crowd.fixtures import let_pass, read_config
from tests.annotator.crowd.making import make_campaign
from tools import prolific_stub
from tools.prolific_stub import Books

REASON = "The same stock phrase stands on each of twenty HITs."


@pytest.fixture
def books(settings: Any) -> Iterator[Books]:
    books = Books()
    with prolific_stub.serve(books) as address:
        settings.PROLIFIC_URL, settings.PROLIFIC_TOKEN = address, prolific_stub.TOKEN
        settings.REAL_MONEY_ALLOWED = True
        yield books


@pytest.fixture
def campaign(books: Books, dissection: Dissection) -> Campaign:
    return make_campaign(dissection, marketplace="prolific", n_assignments=2, reward_usd=Decimal("0.90"))


def sit(campaign: Campaign) -> Session:
    """A session with the permit of real money, which does not wait between rounds."""
    fresh = Campaign.objects.get(pk=campaign.pk)
    return open_session(fresh, permit=Permit(campaign.name, "pia"), pause=lambda seconds: None)


class Participant:
    """Somebody at Prolific, who opens a study and comes back with the code that our page gives them."""

    def __init__(self, books: Books, number: int) -> None:
        self.books, self.client = books, Client()
        self.id = f"{prolific_stub.make_id()[:20]}{number:04x}"

    def open(self, study_id: str) -> Any:
        address = self.books.take(study_id, self.id)
        assert address is not None
        self.assignment_id = parse_qs(urlsplit(address).query)["SESSION_ID"][0]
        self.path = f"{urlsplit(address).path}?{urlsplit(address).query}"
        return self.client.get(self.path)

    def work(self, study_id: str, *, seconds: float = 61.0, comes_back: bool = True) -> None:
        config = read_config(self.open(study_id))
        begun = self._post(config["urls"]["start"], {"token": config["token"], "consent": True})
        let_pass(self, seconds=seconds)  # type: ignore[arg-type]  it asks for an assignment_id alone
        taken = datetime.now(UTC) - timedelta(seconds=seconds)
        self.books.submissions[self.assignment_id]["started_at"] = taken.isoformat()
        answer = {"description": "lamp", "category": "object", "marked": [1], "active_seconds": seconds}
        stored = self._post(
            config["urls"]["submit"], {"work_token": begun["work_token"], "client_id": str(uuid.uuid4()), **answer}
        )
        assert (stored["submit_to"], stored["method"]) == ("https://app.prolific.com/submissions/complete", "get")
        assert list(stored["fields"]) == ["cc"]
        if comes_back:
            assert self.books.complete(self.assignment_id, stored["fields"]["cc"]), "the code is the study's"

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.post(path, json.dumps(body), "application/json").json())


def meet_people(books: Books, campaign: Campaign) -> None:
    """Three answers to two studies: one is to be rejected, one is so slow that a bonus is due."""
    first, second = campaign.hits.order_by("id")[:2]
    for number, (hit, seconds) in enumerate([(first, 61.0), (first, 900.0), (second, 61.0)]):
        Participant(books, number).work(hit.external_id, seconds=seconds)
    collect_campaign(sit(campaign))
    propose_rejection(
        assignment=Assignment.objects.earliest("id"),
        reason=REASON, evidence={"n": 20}, proposed_by="ada", now=sit(campaign).clock(),
    )  # fmt: skip
