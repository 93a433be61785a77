"""The pages of a single-use link, and the address to which the HIT page hands its answer back."""

import functools
import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from annotator.crowd.hit_types.answers import clean_text
from annotator.crowd.linked import Link
from annotator.crowd.marketplaces.links.addresses import (
    COOKIE,
    COOKIE_PATH,
    hash_browser,
    read_link,
    read_place,
    sign_link,
)
from annotator.crowd.page import linking

COOKIE_SECONDS = 400 * 86_400
MAX_FIELDS, MAX_FIELD_CHARACTERS = 60, 8_000
View = Callable[[HttpRequest, Link, str], HttpResponse]


def _of_link(view: View) -> Callable[..., HttpResponse]:
    """Gives the view the link of the address, and what this browser is known by. Refusals become a page."""

    @functools.wraps(view)
    def answer(request: HttpRequest, token: str) -> HttpResponse:
        public_id = read_link(token)
        link = Link.objects.select_related("campaign").filter(public_id=public_id).first() if public_id else None
        if link is None:
            sentence = gettext_noop("There is no such link. Please check that you have copied all of it.")
            return _show(request, status=404, refusal=gettext(sentence))
        try:
            return view(request, link, hash_browser(request.COOKIES))
        except linking.LinkRefused as refusal:
            return _show(request, status=403, refusal=gettext(str(refusal)), link=link)

    return answer


@require_GET
@_of_link
def show_link(request: HttpRequest, link: Link, browser_sha256: str) -> HttpResponse:
    """Opening the address changes nothing, so that a program that looks at links in messages does not use it up."""
    linking.check_browser(link, browser_sha256=browser_sha256)
    if not link.browser_sha256:
        return _show(request, link=link, is_new=True)
    page = _show(request, link=link, standing=linking.find_standing(link, now=timezone.now()))
    # A cookie of an earlier version does not reach HIT pages.
    return _keep_secret(page, request.COOKIES[COOKIE])


@require_POST
@_of_link
def start(request: HttpRequest, link: Link, browser_sha256: str) -> HttpResponse:
    """The first browser that presses Start keeps the link."""
    secret = request.COOKIES.get(COOKIE) or secrets.token_urlsafe(24)
    linking.start_link(link, browser_sha256=hash_browser({COOKIE: secret}), now=timezone.now())
    return _move_on(link, secret=secret)


@require_POST
@_of_link
def go_on(request: HttpRequest, link: Link, browser_sha256: str) -> HttpResponse:
    """Takes the next HIT, or goes on with the one that was begun."""
    _check_started(link, browser_sha256)
    return _move_on(link, secret=request.COOKIES[COOKIE])


@require_POST
@_of_link
def finish(request: HttpRequest, link: Link, browser_sha256: str) -> HttpResponse:
    """The person stops here and gets the completion code."""
    _check_started(link, browser_sha256)
    linking.finish_link(link, now=timezone.now())
    return redirect("link", sign_link(link.public_id))


@csrf_exempt
@require_POST
def take_back(request: HttpRequest, token: str) -> HttpResponse:
    """The form that the HIT page hands back, from the browser that holds the link."""
    external_id = read_place(token)
    if external_id is None:
        return _show(request, status=404, refusal="This address was not made here: please open your own link again.")
    sent = list(request.POST.items())[:MAX_FIELDS]
    fields = {clean_text(name): clean_text(str(value)[:MAX_FIELD_CHARACTERS]) for name, value in sent}
    try:
        work = linking.submit_place(
            external_id, fields=fields, browser_sha256=hash_browser(request.COOKIES), now=timezone.now()
        )
    except linking.LinkRefused as refusal:
        return _show(request, status=409, refusal=gettext(str(refusal)))
    assert work.link is not None
    return redirect("link", sign_link(work.link.public_id))


def _move_on(link: Link, *, secret: str) -> HttpResponse:
    """To a HIT; if none is free, to the page of the link, which says so. The browser keeps the secret."""
    try:
        response = redirect(linking.take_place(link, now=timezone.now()))
    except linking.LinkRefused:
        response = redirect("link", sign_link(link.public_id))
    return _keep_secret(response, secret)


def _keep_secret(response: HttpResponse, secret: str) -> HttpResponse:
    response.set_cookie(
        COOKIE, secret, max_age=COOKIE_SECONDS, path=COOKIE_PATH, httponly=True, samesite="Lax",
        secure=settings.HIT_PAGES_URL.startswith("https://"),
    )  # fmt: skip
    return response


def _check_started(link: Link, browser_sha256: str) -> None:
    if not browser_sha256:
        raise linking.LinkRefused("Please open your link again and press Start; this page needs a cookie.")
    linking.check_browser(link, browser_sha256=browser_sha256)


def _show(request: HttpRequest, *, status: int = 200, link: Link | None = None, **context: object) -> HttpResponse:
    token = sign_link(link.public_id) if link else ""
    values = {"link": link, "token": token, "campaign": link.campaign if link else None, **context}
    response = render(request, "crowd/page/link.html", values, status=status)
    response["Cache-Control"] = "no-store"
    return response
