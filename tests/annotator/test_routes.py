"""The route table of the project: who gets what at each address, every cell a real request.

`routes.txt` is the table. A route without a row fails, and so does a row without a route. "own" and "other's" stand
where something belongs to a person: a token, a proposal, an assignment. Campaigns and dissections belong to everybody
who has the role. In the admin `*` stands for every table; the payer, the next below an admin, asks for each.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from annotator.accounts.models import Role
from annotator.accounts.tokens import issue_token
from annotator.crowd.models import HIT, Campaign
from annotator.studies.models import Study
from annotator.studies.plan import Plan
from annotator.work.table import STEPS
from tests.annotator.crowd.fixtures import Visitor
from tests.annotator.crowd.making import NOW, make_campaign
from tests.annotator.dashboard.making import World, make_person, make_world
from tests.annotator.route_addresses import find_addresses
from tests.annotator.staging import MODELS, PEOPLE, Row, Stage
from workers.app import app

pytestmark = pytest.mark.django_db


def read_table() -> list[Row]:
    lines = (Path(__file__).parent / "routes.txt").read_text().splitlines()
    words = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [Row(method, route, whose, tuple(cells)) for method, route, whose, *cells in words]


TABLE = read_table()


def list_routes(resolver: URLResolver, namespaces: tuple[str, ...] = ()) -> Iterator[str]:
    """Names with their namespaces, and where there is none the pattern; tables of the admin under one name."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            name = ":".join([*namespaces, entry.name or str(entry.pattern)])
            yield re.sub(f"^admin:({'|'.join(MODELS)})_", "admin:*_", name)
        else:
            yield from list_routes(entry, (*namespaces, *([entry.namespace] if entry.namespace else [])))


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    assert set(list_routes(get_resolver("annotator.urls"))) == {row.route for row in TABLE}
    assert all(len(row.cells) == len(PEOPLE) for row in TABLE)
    for route, subject, others in (
        ("campaign-work", "campaign", {"real-money", "nonsense"}),
        ("dissection-work", "dissection", {"nonsense"}),
        ("study-work", "study", {"nonsense"}),
    ):
        steps = {step.name for step in STEPS.values() if step.subject == subject}
        assert {row.whose for row in TABLE if row.route == route} == steps | others


def plan_study(world: World) -> None:
    """A study that nobody was asked about yet."""
    image_set = world.dissection.image_set
    plan = Plan(units=(), methods=("people",), image_set=image_set.name, image_set_sha256="", n_images=100)
    study = Study.objects.create(
        name="birds", dissection=world.dissection, plan=plan.describe(), sha256="0" * 64, planned_at=NOW
    )
    draws = {"images": ["0.jpg"], "q": [0.1], "prior": [0.1], "activation": [1.0], "standardized": [1.0]}
    unit = world.units()[0].unit
    study.pairs.create(position=0, unit=unit, method="people", text="birds", draws=draws | {"is_active": [True]})


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Stage:
    settings.REAL_MONEY_ALLOWED = True
    monkeypatch.setattr(app, "send_task", lambda *arguments, **options: None)
    world = make_world(tmp_path, n_units=2, campaign="routes")
    plan_study(world)
    people = {name: make_person(Role(name)) for name in PEOPLE[1:]}
    User.objects.filter(username="admin").update(is_superuser=True)
    visitor = Visitor(world.campaign.hits.earliest("id"), assignment_id="OWN", worker_id="AOWN")
    elsewhere = make_campaign(world.dissection, name="elsewhere").hits.earliest("id")
    stranger = Visitor(elsewhere, assignment_id="FOREIGN", worker_id="AFOREIGN")
    HIT.objects.filter(campaign=world.campaign).update(external_id="THEHIT")
    visitor.hit.refresh_from_db()
    clients = {name: Client() for name in PEOPLE}
    for name, person in people.items():
        clients[name].force_login(person)
    works = [{**seen.start(), "token": seen.config()["token"]} for seen in (visitor, stranger)]
    stage = Stage(world, people, clients, visitor, work=works[0], foreign=works[1], token_of={"anonymous": 0})
    for name, owner in [*people.items(), ("stranger", User.objects.create_user("stranger"))]:
        issue_token(user=owner, name="notebook", actor=owner, now=NOW)
        stage.token_of[name] = owner.api_tokens.get().pk  # type: ignore[attr-defined]
    return stage


def ask(stage: Stage, row: Row, name: str) -> Iterator[HttpResponse]:
    """Each request in a transaction that is taken back, so that no cell changes what the next one meets."""
    client = stage.clients[name]
    signed_in = client.cookies.copy()
    with transaction.atomic():
        if row.route == "decide-answer" and "rejection" in row.whose:
            stage.propose(by=name if row.whose.startswith("own") else "somebody")
        if row.whose == "real-money":
            Campaign.objects.filter(pk=stage.world.campaign.pk).update(marketplace="mturk")
        for address in find_addresses(stage, row, name):
            if row.method == "GET":
                yield client.get(address)
            else:
                kind, body = stage.body(row)
                yield client.post(address, body, **({"content_type": kind} if kind else {}))
        transaction.set_rollback(True)
    client.cookies = signed_in


def tell(response: HttpResponse) -> str:
    if response.status_code == 302 and response["Location"].startswith("/sign-in/"):
        return "sign-in"
    return str(response.status_code)


def test_every_cell_is_as_written(stage: Stage) -> None:
    seen = {
        row: tuple(
            "/".join(sorted({tell(check_headers(row, response)) for response in ask(stage, row, name)}))
            for name in PEOPLE
        )
        for row in TABLE
    }
    wrong = {f"{row.method} {row.route} {row.whose}": cells for row, cells in seen.items() if cells != row.cells}
    assert not wrong, "\n".join(f"{name}: {' '.join(cells)}" for name, cells in wrong.items())


def check_headers(row: Row, response: HttpResponse) -> HttpResponse:
    """Each response's headers as docs/operators.md writes them down."""
    assert response["X-Content-Type-Options"] == "nosniff", row
    assert response["Cross-Origin-Opener-Policy"] == "same-origin", row
    is_page = row.route == "hit-page" and response.status_code in (200, 400)
    assert response["Referrer-Policy"] == ("no-referrer" if is_page else "same-origin"), row
    if is_page:
        assert "X-Frame-Options" not in response
        assert f"frame-ancestors {settings.SANDBOX_URL}" in response["Content-Security-Policy"]
        assert "default-src 'none'" in response["Content-Security-Policy"]
    else:
        assert response["X-Frame-Options"] == "DENY", row
    if row.route.startswith("hit-"):
        assert not response.cookies, row
    if response.streaming:
        assert b"".join(response.streaming_content), row  # read to its end, a file is closed
    return response
