"""A study's page: the web queue counts its answers, and the page says how far it is."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.campaigns.unit_choice import BadChoice
from annotator.crowd.models import Campaign
from annotator.refusals import Refusal
from annotator.studies import computing
from annotator.studies.models import Study
from annotator.studies.plan import Plan
from annotator.studies.record import StudyRecord
from annotator.studies.tasks import compute
from annotator.work import sending
from annotator.work.models import Job
from annotator.work.performing import run_job
from annotator.work.sending import ask
from annotator.work.steps.studying import PlanOptions
from annotator.work.table import STEPS
from tests.annotator.crowd.making import NOW, draw_photographs, keep_vectors, make_dissection
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
    keys = [computing._name_key(made, what) for what in ("report", "problem", "busy", "owner")]
    cache.delete_many(keys)
    yield made
    cache.delete_many(keys)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the page sends to the web queue, which takes it."""
    messages: list[tuple[Any, ...]] = []
    for module in (computing, sending):
        monkeypatch.setattr(module, "send_task", lambda *message, queue: messages.append((*message, queue)) or True)
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
        assert "1 unit, 1 method; photographs of" in page
        assert "180 draws for each description" in page
    assert sent == [("studies.compute", study.pk, "web")]


def test_a_page_shows_progress_then_the_report_and_newer_answers_are_counted_again(
    client: Client, study: Study, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def describe(record: StudyRecord, *, progress: Any) -> dict[str, Any]:
        progress(200, 400)
        seen.append(read_page(client, "results"))
        told: dict[str, Any] = {"plan": record.plan.describe(), "departures": ["Nothing but this."], "n_simulated": 0}
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
    assert not cache.get(computing._name_key(study, computing.BUSY))


def test_a_study_is_planned_priced_and_asked_by_clicks(
    sent: list[tuple[Any, ...]], settings: Any, tmp_path: Any
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    (tmp_path / "images").mkdir()
    dissection = make_dissection(tmp_path / "images", n_units=2, n_top=2, n_low=1)
    draw_photographs(dissection)
    n_images = dissection.image_set.images.count()
    asking = sign_in(Role.RESEARCHER)
    assert "/plan/" not in asking.get(f"/dissections/{dissection.pk}/").content.decode(), "it kept no vectors"
    assert "with “Activation vectors” first" in asking.get("/plan/").content.decode()
    keep_vectors(dissection, np.random.default_rng(1).normal(size=(n_images, 2)))
    assert f"/plan/?dissection={dissection.pk}" in asking.get(f"/dissections/{dissection.pk}/").content.decode()
    form = asking.get(f"/plan/?dissection={dissection.pk}").context["form"]
    asked = {field.name: value for field in form if (value := field.value()) is not None}
    assert "unit" not in asked
    asked |= {"name": "owls", "unit": "features.3:0-1", "method": ["labeled pixels"], "images": 20, "concepts": "none"}
    assert asking.post("/plan/", asked).url == "/studies/"
    assert "The study owls is being planned" in asking.get("/studies/").content.decode()
    run_job(Job.objects.get())
    assert "Nothing is asked yet" in Job.objects.get().sentence
    study = Study.objects.get(name="owls")
    compute(study.pk)
    page = asking.get("/studies/owls/").content.decode()
    assert "questions of 3 people each: <strong>at most $" in page
    assert not Campaign.objects.exists()
    assert asking.post("/studies/owls/work/ask-round/").url == "/studies/owls/"
    assert "The next round is being composed." in asking.get("/studies/owls/").content.decode()
    run_job(Job.objects.latest("pk"))
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.state) == ("owls-round1", "quoted")
    page = asking.get("/studies/owls/").content.decode()
    assert "/campaigns/owls-round1/" in page
    assert f"at most ${campaign.budget_cap_usd}" in page
    assert asking.get("/studies/owls/report.zip").status_code == 409
    compute(study.pk)
    packed = zipfile.ZipFile(io.BytesIO(asking.get("/studies/owls/report.zip").content))
    assert "owls/study.json" in packed.namelist()
    assert asking.post("/studies/owls/work/delete-study/", {"yes": "on"}).url == "/studies/"
    assert not Campaign.objects.exists()
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert {"plan-study", "ask-round", "delete-study"} <= set(actions)


def test_a_plan_that_is_refused_says_why(sent: list[tuple[Any, ...]], study: Study) -> None:
    asking = sign_in(Role.RESEARCHER)
    options = PlanOptions(dissection=str(study.dissection_id), unit=("features.3:77",), method=("people",))
    actor = User.objects.get()
    job = ask(STEPS["plan-study"], subject="owls", actor=actor, options=options)
    with pytest.raises(BadChoice):
        run_job(job)
    page = asking.get("/studies/").content.decode()
    assert "The study owls was not planned: " in page
    assert "no unit features.3:77" in page
