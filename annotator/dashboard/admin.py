"""Every table for admins to look at. Decisions are taken on the dashboard's pages; here only a role can be changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.models import Group, User
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.admin import ModelAdmin

from annotator.accounts.managing import LastAdmin, change_role
from annotator.accounts.models import Membership, Role

APPS = ("accounts", "units", "descriptions", "notes", "crowd", "labels", "comparison", "studies", "work")
# Nobody may see a worker's id at the marketplace, digests of keys or raw answers.
HIDDEN = {"external_id", "sha256", "raw_answer", "key", "password", "draft"}
N_COLUMNS = 7


class LookOnly(ModelAdmin):  # type: ignore[misc]
    """Rows can be read only: they record what was measured, answered or decided."""

    show_full_result_count = False
    list_per_page = 15  # on a phone each row becomes a card

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class MembershipAdmin(LookOnly):
    """A changed role is a decision: it is written into the audit log with it."""

    readonly_fields = ("id", "user")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def changeform_view(self, request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:
        try:
            shown: HttpResponse = super().changeform_view(request, *given, **named)
        except LastAdmin as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(request.path)
        return shown

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        change_role(user=obj.user, role=Role(obj.role), actor=request.user, now=timezone.now())


@dataclass(frozen=True)
class Told:
    """How a table names a row of another table, and which tables that needs beside it."""

    words: Callable[[Any], str] = str
    beside: tuple[str, ...] = ()


TOLD = {
    "automaticlabel": Told(beside=("unit__layer",)),
    "assignment": Told(lambda row: f"answer {row.pk} of {row.hit.campaign}", ("hit__campaign",)),
    "dissectedunit": Told(beside=("unit__layer",)),
    "dissection": Told(beside=("network", "image_set")),
    "hit": Told(lambda row: f"HIT {row.pk} of {row.campaign}", ("campaign",)),
    "hittype": Told(beside=("campaign",)),
    "hitunit": Told(beside=("unit__layer",)),
    "layer": Told(beside=("network",)),
    "topimage": Told(beside=("dissected_unit__unit__layer",)),
    "unit": Told(beside=("layer",)),
    "unitlabel": Told(beside=("unit__layer",)),
}


def _find_told(field: "models.Field[Any, Any]") -> Told:
    related = field.related_model
    return TOLD.get(related._meta.model_name or "", Told()) if isinstance(related, type) else Told()


def _tell(field: "models.Field[Any, Any]") -> Callable[[models.Model], str]:
    """A column that names a row of another table in words."""
    told = _find_told(field)

    def show(row: models.Model) -> str:
        related = getattr(row, field.name)
        return "–" if related is None else told.words(related)

    return admin.display(description=field.verbose_name, ordering=field.name)(show)


def _columns(model: type[models.Model]) -> dict[str, Any]:
    """Other tables' rows are named in words, read with the list by one query; JSON and hidden fields stay out."""
    fields = [field for field in model._meta.concrete_fields if field.name not in HIDDEN]
    plain = [field for field in fields if not isinstance(field, models.JSONField | models.TextField)][:N_COLUMNS]
    related = [field for field in plain if field.is_relation]
    beside = [f"{field.name}__{one}" for field in related for one in _find_told(field).beside]
    return {
        "list_display": [_tell(field) if field.is_relation else field.name for field in plain],
        "list_select_related": [*(field.name for field in related), *beside],
        "fields": [field.name for field in fields if field.editable],
    }


# People are invited, and their role says what they may do. The admin must not bypass the audit log with either.
admin.site.unregister([User, Group])
for _app in APPS:
    for _model in apps.get_app_config(_app).get_models():
        _kind = MembershipAdmin if _model is Membership else LookOnly
        admin.site.register(_model, type(f"{_model.__name__}Admin", (_kind,), _columns(_model)))
