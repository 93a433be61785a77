"""Who is signed in at the worker site: people of this marketplace, never users of the dashboard."""

import datetime as dt
import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext

from annotator.client_address import find_client_address
from annotator.sandbox import switchboard
from annotator.sandbox.acts import settling
from annotator.sandbox.models import Assignment, Message, Person
from annotator.sandbox.rules.refusals import Refused
from annotator.sandbox.rules.states import AssignmentState

_KEY = "sandbox_person"
# Only this site's own script may run; frames and images may come from requesters.
_POLICY = (
    "default-src 'self'; frame-src *; img-src * data:; media-src *; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'"
)


def sign_in(request: HttpRequest, person: Person) -> None:
    request.session.flush()
    request.session[_KEY] = [person.pk, _mark(person)]


def sign_out(request: HttpRequest) -> None:
    request.session.flush()


def find_person(request: HttpRequest) -> Person | None:
    """A session ends when the person's key is renewed. One of before marks were kept has ended, too."""
    match request.session.get(_KEY):
        case [person_id, mark]:
            person = Person.objects.filter(id=person_id).first()
            return person if person is not None and _mark(person) == mark else None
    return None


def _mark(person: Person) -> str:
    """What ties a session to the key of its time; it does not tell the key's hash."""
    return salted_hmac("unitscope.sandbox.session", person.key_sha256).hexdigest()[:32]


def for_people(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the view the signed-in person as second argument; others are redirected to sign in.

    What the marketplace refuses becomes a page with the reason, status 409.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = find_person(request)
        if person is None:
            here = request.get_full_path() if request.method == "GET" else reverse("sandbox-list")
            return redirect(f"{reverse('sandbox-sign-in')}?{urlencode({'next': here})}")
        try:
            return view(request, person, *args, **kwargs)
        except Refused as refused:
            return show_problem(request, person, refused.message, status=409)

    return guarded


def settled_now() -> dt.datetime:
    """The marketplace's time, after what is due at it was done."""
    now = switchboard.read().now()
    settling.settle_due(now=now)
    return now


def is_open_to_all(request: HttpRequest) -> bool:
    """True on a loopback address: only the machine's own user reaches it."""
    return _is_loopback(urlsplit(settings.SANDBOX_URL).hostname or "") and _is_loopback(find_client_address(request))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def clean(text: str) -> str:
    """What a visitor typed, without the one character that PostgreSQL cannot store."""
    return text.replace("\x00", "")


def safe_next(request: HttpRequest) -> str:
    """The page to show after signing in: a page of this site, else the list."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/worker/"):
        return wanted
    return reverse("sandbox-list")


def show(
    request: HttpRequest, template: str, person: Person | None, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page of the worker site with its header: the person, their accepted HITs, unread messages."""
    if person is not None:
        context["n_accepted"] = Assignment.objects.filter(person=person, state=AssignmentState.ACCEPTED).count()
        context["n_unread"] = Message.objects.filter(person=person, is_from_person=False, read_at=None).count()
    operator = settings.SANDBOX_OPERATOR or gettext("The operator of this site")
    response = render(
        request,
        f"sandbox/{template}.html",
        {"person": person, "operator": operator, "languages": settings.LANGUAGES, **context},
        status=status,
    )
    response["Content-Security-Policy"] = _POLICY
    # A frame of another origin may open a tab and keep hold of it; Django's own value would give it no handle.
    response["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    return response


def show_problem(request: HttpRequest, person: Person | None, words: str, *, status: int) -> HttpResponse:
    return show(request, "problem", person, status=status, words=words)
