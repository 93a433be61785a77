"""Valkey stopped or silent: pages, buttons and commands work or say why not, and nothing that was asked for is lost.

The database holds what was accepted; what is missing is found and sent by the sweeper, once Valkey answers again.
"""

import io
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.accounts.models import AuditEntry, Role
from annotator.accounts.tokens import issue_token
from annotator.crowd.marketplaces.notifications import wake_campaigns
from annotator.crowd.models import HIT, Assignment, Worker
from annotator.labels.models import UnitLabel
from annotator.units.dissecting import advance_all
from annotator.units.models import Dissection, GPUTask
from annotator.work import sending, tasks
from annotator.work.models import Job
from annotator.work.sending import QUEUE_SILENT
from annotator.work.table import STEPS
from tests.annotator.crowd.fixtures import Visitor
from tests.annotator.dashboard.addresses import PAGES, PARTS, WORK_PAGES, Shown
from tests.annotator.dashboard.making import World, make_person, make_world
from workers import valkey
from workers.app import app
from workers.valkey import ValkeyAway, connected

pytestmark = pytest.mark.django_db
SLOW = [step for step in STEPS.values() if step.subject == "campaign" and not step.is_quick]
FORM = {"budget": "900", "n_more": "1", "lifetime": "7", "yes": "on", "act": "1", "outcome": "done"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = make_world(tmp_path, n_units=2)
    begun = Dissection.objects.get(pk=made.dissection.pk)
    begun.pk, begun.state = uuid.uuid4(), Dissection.State.RUNNING
    begun.save(force_insert=True)
    GPUTask.objects.create(
        dissection=begun, position=0, stage=GPUTask.Stage.SURVEY, state=GPUTask.State.SENT, sent_at=timezone.now()
    )
    return made


@pytest.fixture
def admin(world: World) -> User:
    person = make_person(Role.ADMIN)
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    return person


@pytest.fixture
def client(admin: User) -> Client:
    signed_in = Client()
    signed_in.force_login(admin)
    return signed_in


def test_every_page_is_there(without_valkey: str, world: World, client: Client, admin: User) -> None:
    shown = Shown(label=UnitLabel.objects.earliest("pk"), dissection=world.dissection)
    pages = shown.fill_in(one for found in (PAGES | PARTS | WORK_PAGES).values() for one in found)
    token = issue_token(user=admin, name="test", actor=admin, now=timezone.now())
    reading = Client(headers={"Authorization": f"Bearer {token}"})
    statuses = {page: client.get(page).status_code for page in [*pages, "/admin/"]}
    statuses |= {page: reading.get(page).status_code for page in ("/api/campaigns", "/api/networks")}
    assert {page: status for page, status in statuses.items() if status != 200} == {}
    assert "the queue is unreachable" in client.get("/").content.decode()


def test_each_button_keeps_what_it_was_asked_and_says_that_it_waits(
    without_valkey: str, world: World, client: Client
) -> None:
    Worker.objects.update(is_simulated=True)
    Assignment.objects.filter(state="submitted").update(state="approved")
    HIT.objects.filter(assignments=None).delete()
    HIT.objects.update(external_id="THEHIT", state="complete")
    form = FORM | {"answers": str(Assignment.objects.filter(state="approved").earliest("pk").pk)}
    for step in SLOW:
        address = reverse("campaign-work", args=["try", step.name])
        pressed, again = (client.post(address, form) for _ in range(2))
        assert (pressed.status_code, again.status_code) == (302, 302), (step.name, pressed.content.decode())
        assert tell_last(pressed) == f"{step.title}: {QUEUE_SILENT}"
        assert tell_last(again) == f"{step.title}: this is under way already. {QUEUE_SILENT}"
        job = Job.objects.get(step=step.name)
        assert (job.state, job.sentence) == ("waiting", QUEUE_SILENT)
        assert not AuditEntry.objects.filter(action=step.name).exists(), "nothing was done yet"
    assert QUEUE_SILENT in client.get("/campaigns/try/").content.decode()


def tell_last(response: Any) -> str:
    """The last message that the next page shows."""
    return [str(one) for one in get_messages(response.wsgi_request)][-1]


def test_what_waits_is_sent_when_valkey_is_back(
    without_valkey: str, world: World, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = sending.ask(STEPS["label"], subject=world.campaign, actor=admin)
    tasks.sweep()
    sent: list[list[Any]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, queue: sent.append([name, *args]))
    monkeypatch.setattr(valkey, "_away_until", {})
    before = timezone.now() - timedelta(minutes=2)
    Job.objects.update(created_at=before, sent_at=before)
    tasks.sweep()
    job.refresh_from_db()
    assert (sent, job.sentence) == ([["work.run", job.pk]], "")
    tasks.run(job.pk)
    assert AuditEntry.objects.filter(action="label").count() == 1


def test_a_claimed_visit_opens_starts_and_submits(without_valkey: str, world: World) -> None:
    HIT.objects.update(external_id="THEHIT")
    visitor = Visitor(world.campaign.hits.earliest("id"), assignment_id="ONE", worker_id="AONE", is_signed=False)
    assert visitor.open().status_code == 200
    assert visitor.submit(visitor.start()["work_token"]).json()["state"] == "stored"
    wake_campaigns(hit_ids={"THEHIT"})


def test_a_dissection_that_is_asked_for_is_kept(
    without_valkey: str, world: World, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    asked = {
        "network": world.dissection.network_id, "image_set": world.dissection.image_set_id, "layers": "features.3",
        "iou_modes": ["paper"], "seed": 0,
    }  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True) as sent:
        response = client.post(reverse("dissect"), asked)
    assert len(sent) == 1
    assert response.status_code == 302
    assert tell_last(response) == f"Dissect: {QUEUE_SILENT}"
    assert Dissection.objects.filter(state="running").count() == 2
    advance_all(now=timezone.now())


def test_a_command_that_needs_the_queue_says_so_and_writes_nothing(without_valkey: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Valkey does not answer \(.*\)\. Start it, then run this again\."):
        call_command("dissect", network="x", layer=["1"], images=str(tmp_path), stderr=io.StringIO())
    assert not Dissection.objects.exists()


def test_nobody_waits_for_it_twice(without_valkey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValkeyAway), connected(without_valkey) as client:
        client.ping()
    with pytest.raises(ValkeyAway, match="a moment ago"), connected(without_valkey):
        pytest.fail("it is asked again at once")
    monkeypatch.setattr(valkey, "_away_until", {without_valkey: time.monotonic()})
    with pytest.raises(ValkeyAway, match="does not answer"), connected(without_valkey) as client:
        client.ping()
