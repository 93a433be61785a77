"""One world, its visitors, and what each route of routes.txt is asked with in it."""

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from annotator.accounts.sharing import share_page
from annotator.crowd.judging.rejecting import propose_rejection
from annotator.crowd.marketplaces.links.addresses import sign_link
from annotator.crowd.models import Assignment, Campaign, Letter, Worker
from annotator.evidence.models import Question
from annotator.labels.models import UnitLabel
from annotator.notes.noting import add_tags, save_view, write_note
from annotator.readouts.models import Readout
from tests.annotator.crowd.fixtures import Visitor
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import World

PEOPLE = ("anonymous", "viewer", "researcher", "reviewer", "payer", "admin")
MODELS = [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]


@dataclass(frozen=True)
class Row:
    method: str
    route: str
    whose: str
    cells: tuple[str, ...]


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

    @property
    def named(self) -> dict[str, Any]:
        return {"name": self.world.campaign.name}

    def find_sheet(self, row: Row) -> str:
        return self.work["sheets"][0].split("/")[-2] if row.whose == "own" else "forged"

    def ask_question(self, kind: str, **options: Any) -> dict[str, Any]:
        """A refused question about a photograph; nobody's, unless somebody asked it."""
        asked_by = options.pop("asked_by", None)
        made = Question.objects.create(
            kind=kind, state="refused", options=options, asked_by=asked_by, asked_at=NOW, photograph_id=uuid.uuid4()
        )
        return {"question_id": made.pk}

    def add_readout(self, *, state: str) -> dict[str, Any]:
        readout = Readout.objects.create(
            name=f"read-out {uuid.uuid4().hex[:8]}", task="vqa", architecture="torchvision:alexnet", state=state,
            created_at=NOW,
        )  # fmt: skip
        return {"name": readout.name}

    def sign_link(self) -> str:
        return sign_link(self.world.campaign.links.get_or_create(number=1, created_at=NOW)[0].public_id)

    def hand_out(self, row: Row) -> dict[str, Any]:
        """The campaign is at the marketplace links, and has a link."""
        Campaign.objects.filter(pk=self.world.campaign.pk).update(marketplace="links")
        self.world.campaign.links.get_or_create(number=1, created_at=NOW)
        of_route = {"links-change": {"number": 1, "act": row.whose}, "links-file": {"file": "links"}}
        return self.named | of_route.get(row.route, {})

    def write_letter(self, *, is_answer: bool) -> int:
        """Of a person whom nobody can be at the marketplace: nothing is sent there."""
        worker = Worker.objects.create(marketplace="links", external_id=uuid.uuid4().hex, created_at=NOW)
        common = {"marketplace": "links", "worker": worker, "text": "Why?", "at": NOW}
        letter = Letter.objects.create(**common, external_id="1")
        if is_answer:
            letter = Letter.objects.create(**common, answered_to=letter, problem="It was not sent yet.")
        return letter.pk

    def note(self, row: Row, visitor: User | None) -> dict[str, Any]:
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
        """Of addresses that are the same for everybody, by route."""
        layer = {"network": "net", "layer": "features.3", "index": 0}
        named = self.named
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

    def propose(self, *, by: str) -> None:
        propose_rejection(
            assignment=self.answer, reason="The same words on each HIT.", evidence={"n": 3}, proposed_by=by, now=NOW
        )


DECISIONS = {
    "approve": {"decision": "approve-answer"},
    "leave-out": {"decision": "leave-out-answer", "reason": "It is about another picture."},
    "propose": {"decision": "propose-rejection", "reason": "The same words on each HIT."},
    "own-rejection": {"decision": "confirm-rejection"},
    "other's-rejection": {"decision": "confirm-rejection"},
    "overturn": {"decision": "overturn-rejection"},
}
