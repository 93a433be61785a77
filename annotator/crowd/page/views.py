"""The HIT page and its JSON: translate the marketplace's parameters in, make one call, translate the outcome out."""

import functools
import secrets
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from annotator.client_address import find_client_network
from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.hit_types.templates import render_page
from annotator.crowd.marketplaces import notifications
from annotator.crowd.marketplaces.facts import Facts
from annotator.crowd.marketplaces.marketplace import Published, Visit
from annotator.crowd.marketplaces.outcomes import VisitRefused
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, OPEN, Assignment
from annotator.crowd.page import answering, describing, limits, sheets, starting, tokens
from annotator.crowd.page.consent import Consent
from annotator.json_texts import read_json
from annotator.units.strips import draw_placeholder

LARGEST_BODY = 32_768
View = Callable[..., HttpResponse]


class BadBody(Exception):
    """The request's body is not the JSON that this page sends."""


# What a refusal is answered with.
STATUSES: dict[type[Exception], int] = {
    BadBody: 400,
    tokens.TokenForged: 403,
    starting.CannotStart: 403,
    answering.AlreadyStored: 409,
    tokens.TokenExpired: 410,
    BadAnswer: 422,
    limits.TooMany: 429,
}


@require_GET
@xframe_options_exempt
def show_page(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The HIT page, as the frame of the marketplace loads it."""
    hit = _find_hit(public_id)
    marketplace = open_marketplace(hit.campaign.marketplace)
    nonce = secrets.token_urlsafe(16)
    try:
        expected = Published(hit_id=hit.external_id, is_stopped=hit.state == HIT.State.CANCELED)
        visit = marketplace.read_visit(request.GET, cookies=request.COOKIES, expected=expected, now=timezone.now())
        _admit(request, hit=hit, visit=visit)
        context = describing.describe_page(hit=hit, visit=visit)
        response = HttpResponse(render_page(hit.hit_type.template, context | {"nonce": nonce}, request))
    except (VisitRefused, starting.CannotStart, limits.TooMany) as refusal:
        status = refusal.status if isinstance(refusal, VisitRefused) else STATUSES[type(refusal)]
        response = render(request, "refused.html", {"sentence": gettext(str(refusal)), "nonce": nonce}, status=status)
    return _guard(response, facts=marketplace.facts, nonce=nonce)


def _admit(request: HttpRequest, *, hit: HIT, visit: Visit) -> None:
    """Before consent: raises CannotStart if the HIT is not for this person, and TooMany."""
    if visit.is_preview:
        return
    if not visit.is_confirmed:
        limits.check_limits("visit", hit=hit, network=find_client_network(request), now=timezone.now())
    starting.check_may_start(starting.describe_visitor(hit=hit, visit=visit))


@require_GET
def show_preview_sheet(request: HttpRequest, public_id: uuid.UUID, number: int) -> HttpResponse:
    """One sheet of the tiles that a visitor sees before accepting."""
    return _send_sheet(tiles=describing.find_preview_tiles(_find_hit(public_id)), number=number)


@require_GET
def show_sheet(request: HttpRequest, token: str, number: int) -> HttpResponse:
    """One sheet of the tiles that this assignment shows."""
    try:
        pk = tokens.read_sheets(token)
    except (tokens.TokenExpired, tokens.TokenForged) as error:
        return _refuse(error)
    return _send_sheet(tiles=describing.find_shown_tiles(get_object_or_404(Assignment, pk=pk)), number=number)


def _json_view(view: View) -> View:
    """A POST of JSON whose refusals are answered as {"error": one sentence}. The token alone is the authority."""

    @functools.wraps(view)
    def answer(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        try:
            response = view(request, public_id, _read_body(request))
        except tuple(STATUSES) as error:
            response = _refuse(error)
        response["Cache-Control"] = "no-store"
        return response

    return csrf_exempt(require_POST(answer))


@_json_view
def start(request: HttpRequest, public_id: uuid.UUID, body: dict[str, Any]) -> HttpResponse:
    """The work of an assignment, or the consent that it needs first."""
    visit = tokens.read_page(str(body.get("token", "")), public_id=str(public_id))
    hit, now = _find_hit(public_id), timezone.now()
    network = find_client_network(request)
    started = starting.start_assignment(
        starting.describe_visitor(hit=hit, visit=visit, secret=str(body.get("secret", ""))),
        agrees=body.get("consent") is True,
        admit_claim=lambda: limits.check_limits("start", hit=hit, network=network, now=now),
        now=now,
    )
    if isinstance(started, Consent):
        consent = {"version": started.version, "paragraphs": started.paragraphs}
        return JsonResponse({"state": "consent", "consent": consent})
    if started.state in OPEN:
        return JsonResponse(describing.describe_work(started, submit_origin=visit.submit_origin, now=now))
    return JsonResponse(describing.describe_stored(started, submit_origin=visit.submit_origin))


@_json_view
def draft(request: HttpRequest, public_id: uuid.UUID, body: dict[str, Any]) -> HttpResponse:
    """Keeps what the person has done so far."""
    assignment, _ = _find_work(body, public_id)
    values, revision, ages = body.get("draft"), body.get("revision"), body.get("ages", {})
    if not isinstance(values, dict) or type(revision) is not int or not 0 <= revision < 2**31 - 1:
        raise BadBody("A draft is an object with its revision.")
    now = timezone.now()
    sent = answering.Draft(values=values, revision=revision, ages=ages if isinstance(ages, dict) else {})
    if not answering.save_draft(assignment=assignment, draft=sent, now=now):  # another tab saved since
        newest = answering.tell_draft(assignment, now=now)
        return JsonResponse({"revision": assignment.draft_revision, "draft": newest}, status=409)
    return JsonResponse({"revision": assignment.draft_revision})


@_json_view
def submit(request: HttpRequest, public_id: uuid.UUID, body: dict[str, Any]) -> HttpResponse:
    """Stores the answer; the page hands it on to the marketplace."""
    assignment, submit_origin = _find_work(body, public_id)
    if assignment.state in (Assignment.State.CLAIMED, Assignment.State.KEPT):
        network = find_client_network(request)
        limits.check_submit_limits(assignment=assignment, network=network, now=timezone.now())
    try:
        client_id = uuid.UUID(str(body.get("client_id")))
    except ValueError:
        raise BadBody("A submission carries a client_id, which is a UUID.") from None
    corrects, now = body.get("corrects") is True, timezone.now()
    stored = answering.store_answer(assignment=assignment, values=body, client_id=client_id, now=now, corrects=corrects)
    if stored.state in OPEN:
        n_left = answering.MAX_SENT_BACK - stored.n_sent_back
        return JsonResponse({"state": "sent back", "message": gettext(answering.SENT_BACK), "n_left": n_left})
    # With the token the same page may correct the answer until it is handed over.
    token = {"work_token": body["work_token"]} if answering.is_correctable(stored, now=now) else {}
    return JsonResponse(describing.describe_stored(stored, submit_origin=submit_origin) | token)


@csrf_exempt
@require_POST
def take_notification(request: HttpRequest, marketplace: str, key: str) -> HttpResponse:
    """A marketplace's notification: it wakes the collecting of the campaigns that it names."""
    if not notifications.is_address_key(key, marketplace=marketplace):
        return JsonResponse({"error": "This address was not made here."}, status=403)
    try:
        hit_ids = open_marketplace(marketplace).read_event(_read_body(request))
    except BadBody as error:
        return _refuse(error)
    notifications.wake_campaigns(hit_ids=hit_ids, marketplace=marketplace)
    return HttpResponse(status=204)


def _refuse(error: Exception) -> HttpResponse:
    if isinstance(error, BadAnswer):
        told = gettext(error.message).format(**error.values)
        return JsonResponse({"error": told, "field": error.field}, status=STATUSES[BadAnswer])
    return JsonResponse({"error": gettext(str(error))}, status=STATUSES[type(error)])


def _find_hit(public_id: uuid.UUID) -> HIT:
    hits = HIT.objects.select_related("campaign", "hit_type")
    return get_object_or_404(hits, public_id=public_id)


def _find_work(body: dict[str, Any], public_id: uuid.UUID) -> tuple[Assignment, str]:
    pk, submit_origin = tokens.read_work(str(body.get("work_token", "")), public_id=str(public_id))
    rows = Assignment.objects.select_related("hit__campaign", "hit__hit_type")
    return get_object_or_404(rows, pk=pk, hit__public_id=public_id), submit_origin


def _read_body(request: HttpRequest) -> dict[str, Any]:
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
        raise BadBody("The request is too large.")
    try:
        body = read_json(request.body)
    except ValueError:
        raise BadBody("The request is not JSON.") from None
    if not isinstance(body, dict):
        raise BadBody("The request is not a JSON object.")
    return body


def _send_sheet(*, tiles: Sequence[sheets.ShownTiles], number: int) -> HttpResponse:
    try:
        encoded = sheets.compose_sheet(tiles=tiles, number=number)
    except sheets.TilesMissing as error:
        picture, status = draw_placeholder(error.__cause__ or error)
        return HttpResponse(picture, "image/svg+xml", status=status, headers={"Cache-Control": "no-store"})
    # Kept by this browser alone, so that a reload costs no second download; the address is this assignment's own.
    return HttpResponse(encoded, "image/jpeg", headers={"Cache-Control": "private, max-age=7200, immutable"})


def _guard(response: HttpResponse, *, facts: Facts, nonce: str) -> HttpResponse:
    """Framed by exactly the campaign's marketplace; runs this page's own script; tells no one where it was."""
    submits = " ".join(facts.submit_origins)
    response["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self'; "
        f"connect-src 'self' {submits}; form-action {submits}; base-uri 'none'; "
        f"frame-ancestors {' '.join(facts.frame_ancestors)}"
    )
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
