"""Where the routes of routes.txt lead in the staged world: the addresses that a visitor asks for."""

import uuid
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

from django.apps import apps
from django.urls import reverse

from annotator.accounts.inviting import invite, welcome_path
from annotator.accounts.models import Role
from annotator.crowd.marketplaces.notifications import make_address_key
from tests.annotator.crowd.making import NOW
from tests.annotator.staging import MODELS, Row, Stage


def find_addresses(stage: Stage, row: Row, name: str) -> list[str]:
    tables = MODELS if name in ("payer", "admin") else ["crowd_worker", "accounts_membership"]
    if row.route in ("healthz", "admin/login/", "admin/password_change/"):
        return [f"/{row.route}"]
    if row.route == "admin:(?P<url>.*)$":
        return ["/admin/no-such-page"]
    if row.route == "admin:<path:object_id>/":
        return [f"/admin/{model.replace('_', '/')}/{key}/" for model, key in _first_rows(tables)]
    if row.route.endswith(("_changelist", "_add")):
        return [reverse(row.route.replace("*", model)) for model in tables]
    if "*" in row.route:
        return [
            reverse(row.route.replace("*", model), kwargs={"object_id": str(key)}) for model, key in _first_rows(tables)
        ]
    if row.route == "welcome":
        return [welcome_path(invite(username="nina", email="", role=Role.VIEWER, actor=None, now=NOW))]
    return [reverse(row.route, kwargs=_find_arguments(stage, row, name))]


def _first_rows(tables: list[str]) -> list[tuple[str, Any]]:
    """An existing row of each table that has one: a missing row only leads back to the list."""
    rows = [(table, apps.get_model(*table.split("_", 1))._default_manager.first()) for table in tables]
    return [(table, row.pk) for table, row in rows if row is not None]


def _find_arguments(stage: Stage, row: Row, name: str) -> dict[str, Any]:
    if row.route in stage.fixed_arguments:
        return stage.fixed_arguments[row.route]
    found = (make for pattern, make in ARGUMENTS if fnmatch(row.route, pattern))
    return next(found, lambda *_: {})(stage, row, name)


Make = Callable[[Stage, Row, str], dict[str, Any]]
OF_A_CAMPAIGN = (
    "api:get_campaign", "api:list_units", "api:list_answers", "api:get_report", "campaign", "campaign-progress",
    "campaign-attention", "comparison", "concepts", "merge-concepts", "export", "bundle", "figures", "answers", "pause",
    "worker-ids", "notices", "campaign-more", "campaign-edit", "campaign-edit-quote", "review-undo",
)  # fmt: skip


def ask_trial(**part: Any) -> Make:
    return lambda stage, row, name: (
        part
        | stage.ask_question("explain", in_full=True, asked_by=stage.people.get(name) if row.whose == "own" else None)
    )


def read(**part: Any) -> Make:
    return lambda stage, row, name: part | stage.ask_question("read", in_full=True)


def localize(**part: Any) -> Make:
    return lambda stage, row, name: part | stage.ask_question("localize", boxes="a.csv")


def look(**part: Any) -> Make:
    """At what nobody asked."""
    return lambda stage, row, name: part | {"question_id": uuid.uuid4()}


def note(stage: Stage, row: Row, name: str) -> dict[str, Any]:
    return stage.note(row, stage.people.get(name))


def of_dissection(stage: Stage, row: Row, name: str) -> dict[str, Any]:
    return {"dissection_id": stage.world.dissection.pk}


# Which arguments a route takes: the first pattern that fits counts; a route that fits none takes none.
ARGUMENTS: list[tuple[str, Make]] = [
    *((route, lambda stage, row, name: stage.named) for route in OF_A_CAMPAIGN),
    ("campaign-work", lambda stage, row, name: stage.named | {"kind": row.whose.replace("real-money", "publish")}),
    ("dissection-work", lambda stage, row, name: of_dissection(stage, row, name) | {"kind": row.whose}),
    ("study-work", lambda stage, row, name: {"name": "birds", "kind": row.whose}),
    ("change-person", lambda stage, row, name: {"user_id": stage.people["viewer"].pk, "act": row.whose}),
    ("revoke-token", lambda stage, row, name: {"token_id": stage.token_of[name if row.whose == "own" else "stranger"]}),
    ("hit-notification", lambda stage, row, name: {"marketplace": "own", "key": make_address_key(row.whose)}),
    ("hit-sheet", lambda stage, row, name: {"token": stage.find_sheet(row), "number": 0}),
    ("hit-*", lambda stage, row, name: {"public_id": stage.visitor.hit.public_id}),
    ("links*", lambda stage, row, name: stage.hand_out(row)),
    ("link", lambda stage, row, name: {"token": stage.sign_link()}),
    ("link-*", lambda stage, row, name: {"token": stage.sign_link()}),
    ("place-done", lambda stage, row, name: {"token": "LW0:forged"}),
    ("letter-again", lambda stage, row, name: {"letter_id": stage.write_letter(is_answer=True)}),
    ("letter-*", lambda stage, row, name: {"letter_id": stage.write_letter(is_answer=False)}),
    ("trial-class", ask_trial(index=1, method="cam")),
    ("trial-unit", ask_trial(index=1)),
    ("trial-label", ask_trial(place=1)),
    ("trial*", ask_trial()),
    ("reading-word", read(word=0)),
    ("reading*", read()),
    ("readouts", lambda stage, row, name: {}),
    ("readout-cancel", lambda stage, row, name: stage.add_readout(state="fitting")),
    ("readout*", lambda stage, row, name: stage.add_readout(state="fitted")),
    ("localization-picture", localize(group="worst", place=1)),
    ("localization", localize()),
    ("localization-*", localize()),
    ("look-unit", look(dissection_id=uuid.UUID(int=0), index=1, way="heat")),
    ("look-label", look(place=1)),
    ("look-*", look()),
    ("view-picture", look(picture="unit-guided-own")),
    ("view-p*", look()),
    *((route, note) for route in ("note-delete", "tag-delete", "view-delete", "share-end", "shared")),
    *((f"api:{name}", of_dissection) for name in ("get_dissection", "get_progress", "list_dissected_units")),
]
