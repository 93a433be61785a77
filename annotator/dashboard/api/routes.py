"""The JSON API for reading: OpenAPI at /api/openapi.json, documentation at /api/docs; a token or session is the key."""

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import NinjaAPI, Path, Query, Schema
from ninja.errors import HttpError
from ninja.security import HttpBearer, SessionAuth
from pydantic import Field, ValidationInfo, model_validator

from annotator.accounts.models import AuditEntry, Role, Scope
from annotator.accounts.roles import may, role_of
from annotator.accounts.tokens import find_token
from annotator.comparison.reports import describe_campaign
from annotator.crowd.models import Answer, Campaign
from annotator.dashboard.api import publishing, records
from annotator.dashboard.api.limits import TooManyRequests, count_request
from annotator.dashboard.api.reading import read_answers, read_automatic, read_units, write_array
from annotator.dashboard.campaigns.counts import CampaignOverview, summarize_campaigns
from annotator.dashboard.units.unit_record import find_speaking
from annotator.labels.models import UnitLabel
from annotator.refusals import Refusal
from annotator.units.best_labels import BEST_FIRST
from annotator.units.finding import find_renamed
from annotator.units.models import AutomaticLabel, Dissection, ImageSet, Network, TopImage, Unit
from annotator.units.progress import read_dissection_progress

SAFE = ("GET", "HEAD", "OPTIONS")
Name = Annotated[str, Path(..., description="As in the addresses of pages: a slash, for one, is ~2F")]
Index = Annotated[int, Path(..., ge=0, le=2**31 - 1)]


class Token(HttpBearer):
    """`Authorization: Bearer unitscope_...` as the page "People and tokens" or `manage.py api_token` gave it."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        found = find_token(text=token, now=timezone.now())
        if found is None or not may(role_of(found.user), Role.VIEWER):
            return None
        if request.method not in SAFE and found.scope != Scope.ACT:
            raise HttpError(403, "This token may only read. Issue one that may act.")
        count_request(found, now=timezone.now())
        return found.user


class Session(SessionAuth):
    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user if may(role_of(request.user), Role.VIEWER) else None


api = NinjaAPI(
    title="Unitscope",
    version="1",
    description="Reads what the dashboard shows. Lists of units and answers are JSON arrays that stream.",
    auth=[Token(), Session(csrf=False)],
    urls_namespace="api",
)


# By token alone: a page of another site could send a browser's session.
api.add_router("/dissections/uploads", publishing.router, auth=Token())


class NamedFields(Schema):
    """Refuses other names in the address: ninja itself would ignore them."""

    @model_validator(mode="before")
    @classmethod
    def refuse_others(cls, given: Any, info: ValidationInfo) -> Any:
        if info.context and (others := sorted(set(info.context["request"].GET) - set(cls.model_fields))):
            named = ", ".join(cls.model_fields)
            raise ValueError(f"There is no parameter named {others[0][:60]!r}. There are: {named}.")
        return given


class Paging(NamedFields):
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10_000_000)


class UnitFilters(NamedFields):
    layer: str | None = Field(None, max_length=200, pattern=r"^[^\x00]*$")
    category: str | None = Field(None, max_length=30, pattern=r"^[^\x00]*$")
    concept: str | None = Field(None, max_length=200, pattern=r"^[^\x00]*$", description="Exactly this concept")
    relation: str | None = Field(None, max_length=9, pattern=r"^[a-z]*$")
    precision_min: float | None = Field(None, ge=0, le=1)
    iou_min: float | None = Field(None, ge=0, le=1)


# Filter -> the lookup on a label's row.
UNIT_LOOKUPS = {
    "layer": "unit__layer__path",
    "category": "category",
    "concept": "concept",
    "relation": "comparison__relation",
    "precision_min": "precision__gte",
    "iou_min": "comparison__automatic_label__iou__gte",
}
PROBLEMS = {401: records.Problem, 404: records.Problem}


@api.get("/networks", response=list[records.NetworkRecord])
def list_networks(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Networks with their layers."""
    networks = Network.objects.prefetch_related("layers").order_by("name")
    return networks[paging.offset : paging.offset + paging.limit]


@api.get("/image-sets", response=list[records.ImageSetRecord])
def list_image_sets(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Registered image sets."""
    return ImageSet.objects.order_by("name")[paging.offset : paging.offset + paging.limit]


@api.get("/dissections", response=list[records.DissectionRecord])
def list_dissections(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Dissections, newest first."""
    newest = (
        Dissection.objects.filter(is_baseline=False)
        .select_related("network", "image_set")
        .defer("labels", "environment")
    )
    return newest[paging.offset : paging.offset + paging.limit]


@api.get("/dissections/{dissection_id}", response={200: records.DissectionRecord, **PROBLEMS})
def get_dissection(request: HttpRequest, dissection_id: UUID) -> Any:
    """One dissection."""
    return get_object_or_404(Dissection, pk=dissection_id)


@api.get("/dissections/{dissection_id}/progress", response={200: records.ProgressRecord, **PROBLEMS})
def get_progress(request: HttpRequest, dissection_id: UUID) -> Any:
    """How far a dissection came."""
    return read_dissection_progress(get_object_or_404(Dissection, pk=dissection_id))


@api.get("/dissections/{dissection_id}/units", response={200: list[records.AutomaticRecord], **PROBLEMS})
def list_dissected_units(request: HttpRequest, dissection_id: UUID) -> StreamingHttpResponse:
    """Every unit's best label by labeled pixels, in each mode that was measured."""
    dissection = get_object_or_404(Dissection.objects.only("pk"), pk=dissection_id)
    labels = AutomaticLabel.objects.filter(dissection=dissection, is_best=True)
    return _stream(read_automatic(labels.order_by("mode", "unit__layer__position", "unit_id")))


@api.get("/campaigns", response=list[records.CampaignRecord])
def list_campaigns(request: HttpRequest, paging: Query[Paging]) -> list[CampaignOverview]:
    """Campaigns with progress and cost, newest first."""
    campaigns = list(Campaign.objects.all()[paging.offset : paging.offset + paging.limit])
    return summarize_campaigns(campaigns)


@api.get("/campaigns/{name:name}", response={200: records.CampaignRecord, **PROBLEMS})
def get_campaign(request: HttpRequest, name: Name) -> CampaignOverview:
    """One campaign with progress and cost."""
    (overview,) = summarize_campaigns([get_object_or_404(Campaign, name=name)])
    return overview


@api.get("/campaigns/{name:name}/units", response={200: list[records.UnitRecord], **PROBLEMS})
def list_units(request: HttpRequest, name: Name, filters: Query[UnitFilters]) -> StreamingHttpResponse:
    """The campaign's units as a flat table, streamed: `pandas.read_json` reads it."""
    chosen = {UNIT_LOOKUPS[field]: value for field, value in filters.model_dump(exclude_none=True).items()}
    labels = UnitLabel.objects.filter(campaign=get_object_or_404(Campaign, name=name), **chosen)
    return _stream(read_units(labels.order_by("unit__layer__position", "unit_id")))


@api.get("/campaigns/{name:name}/answers", response={200: list[records.AnswerRecord], **PROBLEMS})
def list_answers(request: HttpRequest, name: Name) -> StreamingHttpResponse:
    """Every answer, people under pseudonyms, streamed."""
    campaign = get_object_or_404(Campaign, name=name)
    return _stream(read_answers(Answer.objects.filter(assignment__hit__campaign=campaign).order_by("id")))


@api.get("/campaigns/{name:name}/report", response={200: dict[str, Any], **PROBLEMS, 422: records.Problem})
def get_report(request: HttpRequest, name: Name) -> dict[str, Any]:
    """What `manage.py report CAMPAIGN --format json` prints."""
    document: dict[str, Any] = describe_campaign(campaign=get_object_or_404(Campaign, name=name))
    return document


@api.get("/units/{name:network}/{name:layer}/{index}", response={200: records.OneUnitRecord, **PROBLEMS})
def get_unit(request: HttpRequest, network: Name, layer: Name, index: Index) -> dict[str, Any]:
    """One unit with its crops and labels."""
    network = find_renamed(network) or network
    unit = get_object_or_404(Unit, layer__network__name=network, layer__path=layer, index=index)
    dissected = find_speaking(unit)
    crops = TopImage.objects.filter(dissected_unit=dissected).select_related("image").order_by("rank")
    return {
        "network": network,
        "layer": layer,
        "index": index,
        "dissection": dissected.dissection_id if dissected else None,
        "threshold": dissected.threshold if dissected else None,
        "silence": dissected.silence if dissected else None,
        "labels": list(read_units(UnitLabel.objects.filter(unit=unit).order_by("-labeled_at"))),
        "automatic": list(read_automatic(AutomaticLabel.objects.filter(unit=unit).order_by(*BEST_FIRST))),
        "answers": list(read_answers(Answer.objects.filter(hit_unit__unit=unit).order_by("id"))),
        "crops": list(crops) if dissected else [],
    }


@api.get("/decisions", response=list[records.DecisionRecord])
def list_decisions(request: HttpRequest, paging: Query[Paging]) -> Any:
    """The audit log, newest first."""
    return AuditEntry.objects.order_by("-id")[paging.offset : paging.offset + paging.limit]


@api.exception_handler(HttpError)
def _explain(request: HttpRequest, error: HttpError) -> Any:
    return api.create_response(request, {"detail": str(error)}, status=error.status_code)


@api.exception_handler(TooManyRequests)
def _slow_down(request: HttpRequest, refusal: TooManyRequests) -> Any:
    response = api.create_response(request, {"detail": str(refusal)}, status=429)
    response["Retry-After"] = str(refusal.seconds)
    return response


@api.exception_handler(Refusal)
def _refuse(request: HttpRequest, refusal: Refusal) -> Any:
    return api.create_response(request, {"detail": str(refusal)}, status=422)


def _stream(rows: Iterable[Schema]) -> StreamingHttpResponse:
    return StreamingHttpResponse(write_array(rows), content_type="application/json")
