"""A campaign at links, and people who open them."""

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from annotator.crowd.campaigns import handing_out
from annotator.crowd.campaigns.publishing import publish_campaign
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.session import open_session
from annotator.units.models import Dissection
from tests.annotator.crowd.fixtures import read_config
from tests.annotator.crowd.making import make_campaign
from workers.app import app


class Guest:
    """A person with a link and a browser of their own."""

    def __init__(self, address: str, **options: Any) -> None:
        self.client, self.address = Client(**options), urlsplit(address).path

    def press(self, page: Any, form: str) -> Any:
        """The button of the form of this id, by the address that the page gives it."""
        text = page.content.decode()
        assert f'id="{form}"' in text, text
        return self.client.post(f"{self.address}{form.removesuffix('-form')}")

    def start(self) -> Any:
        return self.press(self.client.get(self.address), "start-form")

    def work(self, moved: Any, *, hands_over: bool = True) -> Any:
        """Does the HIT that the link led to; the page of the link comes next."""
        page = self.client.get(moved["Location"])
        config = read_config(page)
        begun = self._post(config["urls"]["start"], {"token": config["token"], "consent": True})
        answer = {"description": "lamp", "category": "object", "marked": [1], "active_seconds": 60.0}
        sent = {"work_token": begun["work_token"], "client_id": str(uuid.uuid4()), **answer}
        stored = self._post(config["urls"]["submit"], sent)
        assert stored["is_confirmed"] is True
        self.handed_over = stored
        policy = page["Content-Security-Policy"]
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(stored["submit_to"]))
        assert f"form-action {origin};" in policy
        assert "frame-ancestors 'none'" in policy
        return self.hand_over() if hands_over else None

    def hand_over(self) -> Any:
        return self.client.get(self.send()["Location"])

    def send(self) -> Any:
        return self.client.post(urlsplit(self.handed_over["submit_to"]).path, self.handed_over["fields"])

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.post(path, json.dumps(body), "application/json").json())


@pytest.fixture
def campaign(dissection: Dissection, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """Four HITs of one answer each, published; one person may do two."""
    monkeypatch.setattr(app, "send_task", lambda *arguments, **options: None)
    made = make_campaign(dissection, marketplace="links", n_assignments=1, max_hits_per_worker=2)
    publish_campaign(open_session(made))
    made.refresh_from_db()
    return made


def hand_out(campaign: Campaign, *notes: str) -> list[str]:
    links = handing_out.make_links(campaign, notes=notes, now=timezone.now())
    return [str(handing_out.describe_link(link)["link"]) for link in links]
