"""Sign up, sign in with one's key, sign out, renew the key."""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from annotator.countries import CODES
from annotator.sandbox import switchboard
from annotator.sandbox.acts import accounts
from annotator.sandbox.models import Person
from annotator.sandbox.rules.refusals import Refused
from annotator.sandbox.worker import limits, session
from annotator.sandbox.worker.account import find_contact_problem

_NAME = re.compile(r"[\w][\w .'@-]{0,58}[\w.]?", re.UNICODE)
FIELDS = ("name", "country", "subdivision", "contact", "invitation")
_SUBDIVISION = re.compile(r"([A-Z0-9]{2})?")


@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Form fields: name, country (two letters), subdivision, of_age, invitation."""
    is_open = session.is_open_to_all(request)
    given = {name: request.POST.get(name, "").strip() for name in FIELDS}
    given["invitation"] = session.clean(given["invitation"] or request.GET.get("invitation", ""))
    problem = ""
    if request.method == "POST":
        problem = _find_problem(given, is_of_age=bool(request.POST.get("of_age")))
        try:
            if not problem:
                if not is_open:
                    limits.check_network(request, "sign-up", most=limits.SIGN_UPS_PER_HOUR)
                person, key = accounts.sign_up(
                    name=given["name"], country=given["country"].upper(), subdivision=given["subdivision"].upper(),
                    contact=session.clean(given["contact"]),
                    invitation=None if is_open else given["invitation"], now=switchboard.read().now(),
                )  # fmt: skip
                session.sign_in(request, person)
                return session.show(request, "key", person, key=key)
        except accounts.SignUpRefused as refused:
            problem = str(refused)
        except Refused as refused:
            problem = refused.message
    return session.show(
        request, "sign_up", session.find_person(request), status=400 if problem else 200, given=given, problem=problem,
        is_open=is_open, countries=CODES,
    )  # fmt: skip


def _find_problem(given: dict[str, str], *, is_of_age: bool) -> str:
    if not _NAME.fullmatch(given["name"]):
        return gettext_noop("Choose a name of 1 to 60 letters, digits, spaces or . ' @ -")
    if given["country"].upper() not in CODES or not _SUBDIVISION.fullmatch(given["subdivision"].upper()):
        return gettext_noop("Choose your country, and give a state, if you like, as two letters.")
    if problem := find_contact_problem(given["contact"]):
        return problem
    return "" if is_of_age else gettext_noop("You must be of age to work here.")


@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Form field: key."""
    problem = ""
    if request.method == "POST":
        person = accounts.find_by_key(request.POST.get("key", "").strip())
        if person is not None:
            session.sign_in(request, person)
            return redirect(session.safe_next(request))
        problem = gettext_noop("Nobody has this sign-in key.")
        if not session.is_open_to_all(request):
            problem = _count_wrong_key(request) or problem
    return session.show(
        request, "sign_in", session.find_person(request), status=400 if problem else 200, problem=problem,
        next=session.safe_next(request),
    )  # fmt: skip


def _count_wrong_key(request: HttpRequest) -> str:
    """A sentence if too many wrong keys came from this network; nobody can guess a key, but anybody can try."""
    try:
        limits.check_network(request, "sign-in", most=limits.WRONG_KEYS_PER_HOUR)
    except Refused as refused:
        return refused.message
    return ""


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    session.sign_out(request)
    return redirect("sandbox-list")


@require_POST
@session.for_people
def renew_key(request: HttpRequest, person: Person) -> HttpResponse:
    """Gives the person a new key to sign in with."""
    key = accounts.renew_key(person)
    session.sign_in(request, person)  # every other session has ended
    return session.show(request, "key", person, key=key)
