"""The route table of the project: who gets what at each address, every cell a real request.

`routes.txt` is the table. A route without a row fails, and so does a row without a route. "own" and "other's" stand
where something belongs to a person: a token, a proposal, an assignment. Campaigns and dissections belong to everybody
who has the role. In the admin `*` stands for every table; the payer, the next below an admin, asks for each.
"""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from annotator.accounts.inviting import invite, welcome_path
from annotator.accounts.models import Role
from annotator.accounts.sharing import share_page
from annotator.accounts.tokens import issue_token
from annotator.crowd.judging.rejecting import propose_rejection
from annotator.crowd.marketplaces.links.addresses import sign_link
from annotator.crowd.marketplaces.notifications import make_address_key
from annotator.crowd.models import HIT, Assignment, Campaign, Letter, Worker
from annotator.evidence.models import Question
from annotator.labels.models import UnitLabel
from annotator.notes.noting import add_tags, save_view, write_note
from annotator.readouts.models import Readout
from annotator.studies.models import Study
from annotator.studies.plan import Plan
from annotator.work.table import STEPS
from tests.annotator.crowd.fixtures import Visitor
from tests.annotator.crowd.making import NOW, make_campaign
from tests.annotator.dashboard.making import World, make_person, make_world
from workers.app import app

pytestmark = pytest.mark.django_db
PEOPLE = ("anonymous", "viewer", "researcher", "reviewer", "payer", "admin")
MODELS = [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]


@dataclass(frozen=True)
class Row:
    method: str
    route: str
    whose: str
    cells: tuple[str, ...]


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


@dataclass
class Stage:
    """One world, the six visitors, and what belongs to somebody in it."""

    world: World
    people: dict[str, User]
    clients: dict[str, Client]
    visitor: Visitor
    # What the page's script holds in the visitor's own assignment, and in one of another HIT.
    work: dict[str, Any]
    foreign: dict[str, Any]
    # An API token's row by its owner.
    token_of: dict[str, int]

    def find_addresses(self, row: Row, name: str) -> list[str]:
        tables = MODELS if name in ("payer", "admin") else ["crowd_worker", "accounts_membership"]
        if row.route in ("healthz", "admin/login/", "admin/password_change/"):
            return [f"/{row.route}"]
        if row.route == "admin:(?P<url>.*)$":
            return ["/admin/no-such-page"]
        if row.route == "admin:<path:object_id>/":
            return [f"/admin/{model.replace('_', '/')}/{key}/" for model, key in self._first_rows(tables)]
        if row.route.endswith(("_changelist", "_add")):
            return [reverse(row.route.replace("*", model)) for model in tables]
        if "*" in row.route:
            return [
                reverse(row.route.replace("*", model), kwargs={"object_id": str(key)})
                for model, key in self._first_rows(tables)
            ]
        if row.route == "welcome":
            return [welcome_path(invite(username="nina", email="", role=Role.VIEWER, actor=None, now=NOW))]
        return [reverse(row.route, kwargs=self._arguments(row, name))]

    def _first_rows(self, tables: list[str]) -> list[tuple[str, Any]]:
        """An existing row of each table that has one: a missing row only leads back to the list."""
        rows = [(table, apps.get_model(*table.split("_", 1))._default_manager.first()) for table in tables]
        return [(table, row.pk) for table, row in rows if row is not None]

    def _arguments(self, row: Row, name: str) -> dict[str, Any]:
        if row.route in self.fixed_arguments:
            return self.fixed_arguments[row.route]
        named = {"name": self.world.campaign.name}
        match row.route:
            case "campaign-work":
                return named | {"kind": row.whose.replace("real-money", "publish")}
            case "dissection-work":
                return {"dissection_id": self.world.dissection.pk, "kind": row.whose}
            case "study-work":
                return {"name": "birds", "kind": row.whose}
            case "change-person":
                return {"user_id": self.people["viewer"].pk, "act": row.whose}
            case "revoke-token":
                return {"token_id": self.token_of[name if row.whose == "own" else "stranger"]}
            case "hit-notification":
                return {"marketplace": "own", "key": make_address_key(row.whose)}
            case "hit-sheet":
                own = self.work["sheets"][0].split("/")[-2]
                return {"token": own if row.whose == "own" else "forged", "number": 0}
        if row.route.startswith("links"):
            return named | self._hand_out(row)
        if row.route.startswith("letter-"):
            return {"letter_id": self._write_letter(is_answer=row.route == "letter-again")}
        if row.route.startswith("trial"):
            owner = self.people.get(name) if row.whose == "own" else None
            question = Question.objects.create(
                kind="explain", state="refused", options={"in_full": True}, asked_by=owner, asked_at=NOW,
                photograph_id=uuid.uuid4(),
            )  # fmt: skip
            return {"question_id": question.pk} | PARTS_OF_A_TRIAL.get(row.route, {})
        if row.route.startswith("reading"):
            question = Question.objects.create(
                kind="read", state="refused", options={"in_full": True}, asked_at=NOW, photograph_id=uuid.uuid4()
            )
            return {"question_id": question.pk} | ({"word": 0} if row.route == "reading-word" else {})
        if row.route.startswith("readout") and row.route != "readouts":
            readout = Readout.objects.create(
                name=f"read-out {uuid.uuid4().hex[:8]}", task="vqa", architecture="torchvision:alexnet",
                state="fitting" if row.route == "readout-cancel" else "fitted", created_at=NOW,
            )  # fmt: skip
            return {"name": readout.name}
        if row.route.startswith("localization-") or row.route == "localization":
            question = Question.objects.create(
                kind="localize", state="refused", options={"boxes": "a.csv"}, asked_at=NOW
            )
            part = {"group": "worst", "place": 1} if row.route == "localization-picture" else {}
            return {"question_id": question.pk} | part
        if row.route.startswith(("look-", "view-p")):
            return {"question_id": uuid.uuid4()} | PARTS_OF_A_LOOK.get(row.route, {})
        if row.route in NOTED:
            return self._note(row, self.people.get(name))
        if row.route in API_OF_A_DISSECTION:
            return {"dissection_id": self.world.dissection.pk}
        if row.route == "place-done":
            return {"token": "LW0:forged"}
        if row.route.split("-")[0] == "link":
            return {"token": sign_link(self.world.campaign.links.get_or_create(number=1, created_at=NOW)[0].public_id)}
        if row.route.startswith("hit-"):
            return {"public_id": self.visitor.hit.public_id}
        return named if row.route in OF_A_CAMPAIGN else {}

    def _hand_out(self, row: Row) -> dict[str, Any]:
        """The campaign is at the marketplace links, and has a link."""
        Campaign.objects.filter(pk=self.world.campaign.pk).update(marketplace="links")
        self.world.campaign.links.get_or_create(number=1, created_at=NOW)
        return {"links-change": {"number": 1, "act": row.whose}, "links-file": {"file": "links"}}.get(row.route, {})

    def _write_letter(self, *, is_answer: bool) -> int:
        """Of a person whom nobody can be at the marketplace: nothing is sent there."""
        worker = Worker.objects.create(marketplace="links", external_id=uuid.uuid4().hex, created_at=NOW)
        common = {"marketplace": "links", "worker": worker, "text": "Why?", "at": NOW}
        letter = Letter.objects.create(**common, external_id="1")
        if is_answer:
            letter = Letter.objects.create(**common, answered_to=letter, problem="It was not sent yet.")
        return letter.pk

    def _note(self, row: Row, visitor: User | None) -> dict[str, Any]:
        """What the visitor noted or shares; somebody else, if it is another's."""
        owner = visitor if row.whose == "own" and visitor else User.objects.get_or_create(username="noter")[0]
        unit = self.world.units()[0].unit
        match row.route:
            case "note-delete":
                return {"note_id": write_note(unit=unit, text="odd", author=owner, now=NOW).pk}
            case "tag-delete":
                add_tags(unit=unit, text="odd", author=owner, now=NOW)
                return {"tag_id": unit.tags.get().pk}
            case "view-delete":
                return {"view_id": save_view(owner=owner, name="mine", address="/units/", now=NOW).pk}
        key = share_page(address="/units/", actor=owner, life=timedelta(days=1), now=timezone.now())
        link = owner.share_links.get()  # type: ignore[attr-defined]
        return {"key": "forged" if row.whose == "forged" else key} if row.route == "shared" else {"link_id": link.pk}

    @cached_property
    def fixed_arguments(self) -> dict[str, dict[str, Any]]:
        """Of addresses that are the same for everybody."""
        layer = {"network": "net", "layer": "features.3", "index": 0}
        named = {"name": self.world.campaign.name}
        sheet = {"dissection_id": self.world.dissection.pk, "sheet": self.world.units()[0].strip}
        label = UnitLabel.objects.earliest("pk")
        return {
            "admin:app_list": {"app_label": "crowd"},
            "admin:view_on_site": {"content_type_id": 0, "object_id": 0},
            "api:get_unit": layer,
            **{f"api:{name}": {"sha256": "0" * 64} for name in ("get_upload", "add_next_piece", "publish_dissection")},
            "balance": {"marketplace": "own"},
            "unit": layer,
            "crop": layer | {"rank": 0},
            "crop-views": layer | {"rank": 0},
            "walk": layer,
            "similar": layer,
            "note": layer,
            "layers": {"network": "net"},
            "layer": {"network": "net", "layer": "features.3"},
            "image": {"image_set": "net-set", "index": 0},
            "look": {"image_set": "net-set", "index": 0},
            "sheet": sheet,
            "wall": sheet | {"columns": 4, "rows": 2},
            "outlines": sheet,
            "missing-pictures": sheet,
            "figure": named | {"figure": "semantic-types", "ending": "csv"},
            "decide-answer": named | {"assignment_id": self.answer.pk},
            "decide-chosen": named,
            "dissection": {"dissection_id": self.world.dissection.pk},
            "dissection-progress": {"dissection_id": self.world.dissection.pk},
            "review-next": named,
            "review-one": named | {"label_id": label.pk},
            "review-decide": named | {"label_id": label.pk},
            "split-answers": named | {"label_id": label.pk},
            "field": {"dissection_id": self.world.dissection.pk, "picture": "0" * 64},
            "report": named | {"ending": "csv"},
            "study": {"name": "birds"},
            "study-results": {"name": "birds"},
            "study-report": {"name": "birds"},
            "networks-figure": {"figure": "zoo", "ending": "csv"},
            "hit-preview-sheet": {"public_id": self.visitor.hit.public_id, "number": 0},
        }

    @cached_property
    def answer(self) -> Assignment:
        return Assignment.objects.filter(state="submitted").earliest("pk")

    def body(self, row: Row) -> tuple[str, Any]:
        """What is posted, and before it as which type, where it is no form."""
        work = self.work if row.whose == "own" else self.foreign
        answer = {"description": "lamp", "category": "object", "marked": [1], "active_seconds": 5.0}
        pages = {
            "hit-start": {"token": work["token"], "consent": True},
            "hit-draft": {"work_token": work["work_token"], "revision": 0, "draft": answer},
            "hit-submit": {"work_token": work["work_token"], "client_id": str(uuid.uuid4()), **answer},
            "hit-notification": {"Events": []},
        }
        if row.route in pages:
            return "application/json", json.dumps(pages[row.route])
        if row.route == "decide-answer":
            return "", DECISIONS[row.whose]
        return "", self.forms.get(row.route, {})

    @cached_property
    def forms(self) -> dict[str, dict[str, Any]]:
        return {
            "launch": {
                "name": "another", "dissection": [self.world.dissection.pk], "top_iou": 1, "random": 0,
                "assignments": 2, "reward": "0.50", "budget": "50", "marketplace": "own", "seed": 1,
                "template": "unit_semantics", "policy": "accept and score", "requester_name": "A lab",
            },
            "dissect": {
                "network": self.world.dissection.network_id, "image_set": self.world.dissection.image_set_id,
                "layers": "features.3", "iou_modes": ["paper"], "seed": 0,
            },
            "invite": {"username": "olga", "role": "viewer"},
            "note": {"text": "odd"},
            "view-save": {"address": "/units/", "name": "mine"},
            "share": {"address": "/units/", "days": 7},
            "issue-token": {"name": "notebook", "scope": "read", "days": 30},
            "change-person": {"role": "reviewer"},
            "review-decide": {"action": "accept"},
            "merge-concepts": {"words": "wheel", "into": "rim"},
            "split-answers": {"words": "wheel", "into": "rim"},
            "erase-worker": {"marketplace": "own", "worker_id": "nobody"},
            "campaign-more": {"label": UnitLabel.objects.earliest("pk").pk},
            "campaign-work": {
                "real_money": "on", "typed_name": self.world.campaign.name, "budget": "900", "act": "1",
                "outcome": "done", "answers": self.answer.pk,
            },
            "decide-chosen": {"decision": "leave-out-chosen", "answers": self.answer.pk, "reason": "A test of ours"},
            "links-make": {"people": 2},
            "notices": {"target": "https://example.org/done"},
            "letter-answer": {"text": "Because."},
            "sign-in": {"username": "nobody", "password": "nothing"},
        }  # fmt: skip

    def ask(self, row: Row, name: str) -> Iterator[HttpResponse]:
        """Each request in a transaction that is taken back, so that no cell changes what the next one meets."""
        client = self.clients[name]
        signed_in = client.cookies.copy()
        with transaction.atomic():
            if row.route == "decide-answer" and "rejection" in row.whose:
                self._propose(by=name if row.whose.startswith("own") else "somebody")
            if row.whose == "real-money":
                Campaign.objects.filter(pk=self.world.campaign.pk).update(marketplace="mturk")
            for address in self.find_addresses(row, name):
                if row.method == "GET":
                    yield client.get(address)
                else:
                    kind, body = self.body(row)
                    yield client.post(address, body, **({"content_type": kind} if kind else {}))
            transaction.set_rollback(True)
        client.cookies = signed_in

    def _propose(self, *, by: str) -> None:
        propose_rejection(
            assignment=self.answer, reason="The same words on each HIT.", evidence={"n": 3}, proposed_by=by, now=NOW
        )


PARTS_OF_A_TRIAL: dict[str, dict[str, Any]] = {
    "trial-class": {"index": 1, "method": "cam"},
    "trial-unit": {"index": 1},
    "trial-label": {"place": 1},
}
PARTS_OF_A_LOOK: dict[str, dict[str, Any]] = {
    "look-unit": {"dissection_id": uuid.UUID(int=0), "index": 1, "way": "heat"},
    "look-label": {"place": 1},
    "view-picture": {"picture": "unit-guided-own"},
}
NOTED = ("note-delete", "tag-delete", "view-delete", "share-end", "shared")
API_OF_A_DISSECTION = ("api:get_dissection", "api:get_progress", "api:list_dissected_units")
OF_A_CAMPAIGN = (
    "api:get_campaign", "api:list_units", "api:list_answers", "api:get_report", "campaign", "campaign-progress",
    "campaign-attention", "comparison", "concepts", "merge-concepts", "export", "bundle", "figures", "answers", "pause",
    "worker-ids", "notices", "campaign-more", "campaign-edit", "campaign-edit-quote", "review-undo",
)  # fmt: skip
DECISIONS = {
    "approve": {"decision": "approve-answer"},
    "leave-out": {"decision": "leave-out-answer", "reason": "It is about another picture."},
    "propose": {"decision": "propose-rejection", "reason": "The same words on each HIT."},
    "own-rejection": {"decision": "confirm-rejection"},
    "other's-rejection": {"decision": "confirm-rejection"},
    "overturn": {"decision": "overturn-rejection"},
}


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


def tell(response: HttpResponse) -> str:
    if response.status_code == 302 and response["Location"].startswith("/sign-in/"):
        return "sign-in"
    return str(response.status_code)


def test_every_cell_is_as_written(stage: Stage) -> None:
    seen = {
        row: tuple(
            "/".join(sorted({tell(check_headers(row, response)) for response in stage.ask(row, name)}))
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
