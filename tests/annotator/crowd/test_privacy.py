"""A worker's id at the marketplace stands in one table: not in logs, not in what tasks are sent, not in other rows."""

import logging
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from annotator.crowd import tasks
from annotator.crowd.campaigns import collecting
from annotator.crowd.judging import approving, compensating
from annotator.crowd.marketplaces import notifications
from annotator.crowd.models import Assignment, Campaign, Worker
from annotator.crowd.pseudonyms import list_worker_ids
from workers.app import app

pytestmark = pytest.mark.django_db(transaction=True)
APPS = ("accounts", "units", "descriptions", "notes", "crowd", "labels", "comparison", "studies")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda *arguments, **options: calls.append((arguments, options)))
    return calls


def test_no_log_no_task_and_no_other_table_holds_a_workers_id(
    market: Any, campaign: Campaign, caplog: pytest.LogCaptureFixture, sent: list[Any]
) -> None:
    """Everything that happens to a person, with every logger as talkative as the settings let it be."""
    caplog.set_level(logging.DEBUG)
    session = market.open_session(campaign)
    market.publish(campaign)
    first, second, *_ = campaign.hits.order_by("id")
    paid = market.work(first, "ada", active_seconds=900.0)
    lost = market.accept(second, "bob")
    lost.submit(lost.start()["work_token"])
    lost.open(turkSubmitTo="https://evil.example")
    notifications.wake_campaigns(hit_ids={first.external_id})
    collecting.collect_campaign(market.open_session(campaign))
    approving.approve_assignments(session)
    approving.pay_top_ups(session)
    compensating.compensate(session, assignment=Assignment.objects.get(state="stored"), decided_by="cyd")
    tasks.go_on()
    people = [paid.worker_id, lost.worker_id]
    assert {row.external_id for row in Worker.objects.all()} == set(people)
    tables = [model for name in APPS for model in apps.get_app_config(name).get_models() if model is not Worker]
    for person in people:
        assert person not in str([list(model._default_manager.values()) for model in tables])
        assert person not in str(sent)
        # The sandbox runs in this process; what is judged is what our own side and its client wrote.
        ours = [record.getMessage() for record in caplog.records if not record.name.startswith("annotator.sandbox")]
        assert person not in str(ours)
    assert sent
    assert ours


def test_raw_ids_are_exported_by_an_admin_alone_and_without_erased_people(
    market: Any, campaign: Campaign, hit: Any, settings: Any
) -> None:
    market.publish(campaign)
    visitor = market.work(hit, "ada")
    collecting.collect_campaign(market.open_session(campaign))
    pseudonym = Worker.objects.get().pseudonym
    assert list_worker_ids(campaign) == [(pseudonym, "own", visitor.worker_id)]
    assert Client().post(f"/campaigns/{campaign.name}/worker-ids.csv").status_code == 302  # see routes.txt for the rest
    Worker.objects.update(external_id=None)
    assert list_worker_ids(campaign) == []
