"""A study's page: the web queue counts its answers, and the page says how far it is."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.refusals import Refusal
from annotator.studies import computing
from annotator.studies.models import Study
from annotator.studies.plan import Plan
from annotator.studies.tasks import compute
from tests.annotator.crowd.making import NOW, make_dissection
from tests.annotator.dashboard.making import sign_in

pytestmark = pytest.mark.django_db
REPORT = {"methods": None, "comparisons": [], "sanity": None, "pairs": [], "cost": [], "stop": None}


@pytest.fixture
def study(tmp_path: Any) -> Iterator[Study]:
    dissection = make_dissection(tmp_path, n_units=1, n_top=1, n_low=1)
    plan = Plan(units=("features.3:0",), methods=("INVERT",), image_set="a", image_set_sha256="", n_images=1)
    made = Study.objects.create(
        name="birds", dissection=dissection, plan=plan.describe(), sha256="5" * 64, planned_at=NOW
    )
    cache.delete_many([computing._kept(made), computing._busy(made)])
    yield made
    cache.delete_many([computing._kept(made), computing._busy(made)])


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the page sends to the web queue, which takes it."""
    messages: list[tuple[Any, ...]] = []
    monkeypatch.setattr(computing, "send_task", lambda *message, queue: messages.append((*message, queue)) or True)
    return messages


@pytest.fixture
def client() -> Client:
    return sign_in(Role.VIEWER)


def read_page(client: Client, part: str = "") -> str:
    answer = client.get(f"/studies/birds/{part}", headers={"HX-Request": "true"} if part else {})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_web_process_computes_nothing_and_asks_the_queue_once(
    client: Client, study: Study, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any, **named: Any) -> Any:
        raise AssertionError("The web process computes a study.")

    monkeypatch.setattr(computing, "describe_study", refuse)
    for _ in range(2):
        page = read_page(client)
        assert "Counting answers" in page
        assert "every 2s" in page
        assert "180 draws for each description" in page
    assert sent == [("studies.compute", study.pk, "web")]


def test_a_page_shows_progress_then_the_report_and_newer_answers_are_counted_again(
    client: Client, study: Study, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "read_study", lambda study: study)
    seen = []

    def describe(record: Study, *, progress: Any) -> dict[str, Any]:
        progress(200, 400)
        seen.append(read_page(client, "results"))
        told: dict[str, Any] = {"plan": record.plan, "departures": ["Nothing but this."], "n_simulated": 0}
        told |= {"error": {"is_measured": False, "value": 0.2, "n_gold": 0}, "n_ratings": 0, "n_raters": 0}
        return told | REPORT | {"spent_usd": "0"}

    monkeypatch.setattr(computing, "describe_study", describe)
    read_page(client)
    compute(study.pk)
    assert "200 of 400" in seen[0]
    page = read_page(client, "results")
    assert "Nothing but this." in page
    assert "hx-get" not in page
    assert len(sent) == 1
    campaign = Campaign.objects.create(
        name="birds-round1", marketplace="own", n_assignments=1, reward_usd=1, budget_cap_usd=1, seed=1, created_at=NOW
    )
    study.rounds.create(number=0, campaign=campaign)
    page = read_page(client, "results")
    assert "Newer answers are being counted" in page
    assert "Nothing but this." in page
    assert len(sent) == 2


def test_what_cannot_be_computed_is_said(
    client: Client, study: Study, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Refusal):
        pass

    def refuse(study: Study) -> Any:
        raise Broken("Its images are gone: look for them.")

    monkeypatch.setattr(computing, "read_study", refuse)
    compute(study.pk)
    assert "Its images are gone: look for them." in read_page(client)
    assert not sent


def test_a_silent_queue_is_said(client: Client, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "send_task", lambda *message, queue: False)
    page = read_page(client)
    assert computing.QUEUE_AWAY in page
    assert "every 30s" in page
    assert not cache.get(computing._busy(study))
