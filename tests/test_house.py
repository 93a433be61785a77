"""The five seams of the house: a member that only tests have is one folder or file, and one line."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.models import Campaign
from annotator.work import sending, tasks
from annotator.work.models import Job
from annotator.work.table import STEPS
from tests.annotator.dashboard.making import World, make_world, sign_in
from tests.house.tidying import TIDY


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The arguments of each message that was sent to the web queue. The step's one line is here."""
    monkeypatch.setitem(STEPS, TIDY.name, TIDY)
    kept: list[list[Any]] = []
    monkeypatch.setattr(sending.app, "send_task", lambda name, args, queue: kept.append(args))
    return kept


def tell_word() -> str:
    return Campaign.objects.get(name="try").contact


def press(client: Client, **values: str) -> int:
    return client.post("/campaigns/try/work/tidy/", values).status_code


def test_a_step_is_a_command(world: World, sent: list[list[Any]]) -> None:
    told = io.StringIO()
    call_command("campaign", "try", "tidy", "--word", "neat", stdout=told)
    assert told.getvalue() == "The campaign is neat now.\n"
    assert tell_word() == "neat"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_name, entry.details["word"]) == ("tidy", "command", "neat")
    with pytest.raises(CommandError, match="neat already") as refused:
        call_command("campaign", "try", "tidy", "--word", "neat")
    assert refused.value.returncode == 2
    assert [job.state for job in Job.objects.order_by("id")] == ["done", "refused"]


def test_a_step_is_a_button_and_a_job_of_the_queue(world: World, sent: list[list[Any]]) -> None:
    reviewer = sign_in(Role.REVIEWER)
    page = reviewer.get("/campaigns/try/").content.decode()
    assert TIDY.title in page
    assert TIDY.sentence in page
    assert press(reviewer, word="swept") == 302
    assert press(reviewer, word="swept") == 302  # under way already
    assert Job.objects.get().state == "waiting"
    assert tell_word() == ""
    for arguments in sent:  # the message was doubled
        tasks.run(*arguments)
    assert tell_word() == "swept"
    assert "The campaign is swept now." in reviewer.get("/campaigns/try/").content.decode()
    assert AuditEntry.objects.get().actor_name == "reviewer"


def test_a_step_is_refused_for_the_wrong_role(world: World, sent: list[list[Any]]) -> None:
    researcher = sign_in(Role.RESEARCHER)
    assert TIDY.title not in researcher.get("/campaigns/try/").content.decode()
    assert press(researcher) == 403
    assert (sent, tell_word(), AuditEntry.objects.count()) == ([], "", 0)


def test_a_step_that_spends_is_refused_for_real_money_without_a_permit(
    world: World, sent: list[list[Any]], settings: Any
) -> None:
    Campaign.objects.update(marketplace="mturk")
    settings.REAL_MONEY_ALLOWED = True
    reviewer, payer = sign_in(Role.REVIEWER), sign_in(Role.PAYER)
    confirmed = {"real_money": "on", "typed_name": "try"}
    assert press(reviewer, **confirmed) == 403  # play money takes a reviewer, real money a payer
    assert press(payer) == 403
    assert press(payer, **confirmed | {"typed_name": "tri"}) == 403
    with pytest.raises(CommandError, match="add --real-money"):
        call_command("campaign", "try", "tidy")
    assert (sent, tell_word(), AuditEntry.objects.count()) == ([], "", 0)
    assert press(payer, **confirmed) == 302
    tasks.run(*sent[0])
    assert tell_word() == "tidy"
    assert Job.objects.get().permit_given_by == "payer"
