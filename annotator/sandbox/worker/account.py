"""A person's account: contact and payout address, their data to take away, leaving; reporting a HIT; about pages."""

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.mail_addresses import check_mail_address
from annotator.sandbox import switchboard
from annotator.sandbox.acts import membership, paying_out
from annotator.sandbox.models import HIT, Person
from annotator.sandbox.worker import limits, session

TITLES = {"terms": gettext_noop("Terms"), "privacy": gettext_noop("Privacy"), "contact": gettext_noop("Contact")}


@require_http_methods(["GET", "POST"])
@session.for_people
def show_account(request: HttpRequest, person: Person) -> HttpResponse:
    """Form fields: contact (an e-mail address), wants_mail, payout_address. All may be empty."""
    session.settled_now()
    problem, address = "", paying_out.read_payout_address(person)
    if request.method == "POST":
        contact, address = (session.clean(request.POST.get(name, "")).strip() for name in ("contact", "payout_address"))
        problem, tidied = find_contact_problem(contact), paying_out.tidy_payout_address(address)
        if len(address) > paying_out.MAX_ADDRESS or not address.isprintable():
            problem = gettext("A payout address is one line of at most {n} characters.").format(
                n=paying_out.MAX_ADDRESS
            )
        elif address and not paying_out.is_payout_address(tidied):
            problem = gettext_noop(
                "A payout address that begins with + is a telephone number of digits and spaces, one that begins with "
                "@ is a name without spaces, and none begins with - or =."
            )
        # If something is wrong, the form still shows what was typed.
        person.contact, person.wants_mail = contact, bool(contact and request.POST.get("wants_mail"))
        if not problem:
            membership.keep_account(person, contact=contact, wants_mail=person.wants_mail, payout_address=tidied)
            return redirect("sandbox-account")
    return _show(request, person, problem=problem, payout_address=address)


def _show(request: HttpRequest, person: Person, *, problem: str, payout_address: str) -> HttpResponse:
    return session.show(
        request, "account", person, status=400 if problem else 200, problem=problem,
        earned=paying_out.find_earnings(person), payout_address=payout_address,
    )  # fmt: skip


def find_contact_problem(contact: str) -> str:
    """A sentence if this is no e-mail address; an empty one is fine."""
    try:
        if contact:
            check_mail_address(contact)
    except ValidationError:
        return gettext_noop("Give a contact as an e-mail address, or leave it empty.")
    return "" if len(contact) <= 200 else gettext_noop("An e-mail address has at most 200 characters.")


@require_GET
@session.for_people
def take_data(request: HttpRequest, person: Person) -> HttpResponse:
    """Everything that is kept of this person, as a JSON file."""
    session.settled_now()
    response = HttpResponse(paying_out.write_person(person), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{person.mturk_id}.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@session.for_people
def leave(request: HttpRequest, person: Person) -> HttpResponse:
    """Form field: worker_id, typed by the person."""
    if request.POST.get("worker_id", "").strip() != person.mturk_id:
        problem = gettext_noop("Type your WorkerId to leave: nothing was changed.")
        return _show(request, person, problem=problem, payout_address=paying_out.read_payout_address(person))
    membership.leave(person, now=session.settled_now())
    session.sign_out(request)
    return session.show(request, "left", None)


@require_http_methods(["GET", "POST"])
@session.for_people
def report(request: HttpRequest, person: Person, hit_id: str) -> HttpResponse:
    """Form field: text. The operator reads it; the requester does not."""
    hit = HIT.objects.select_related("hit_type__requester").filter(mturk_id=hit_id).first()
    if hit is None:
        return session.show_problem(request, person, "There is no such HIT.", status=404)
    text = session.clean(request.POST.get("text", "")).strip()
    if request.method == "POST" and 1 <= len(text) <= membership.MAX_TEXT:
        limits.check_person(person.pk, "report", most=limits.REPORTS_PER_HOUR)
        membership.report(person, hit, text=text, now=switchboard.read().now())
        words = gettext_noop("Thank you. Whoever runs this marketplace will look at it.")
        return session.show_problem(request, person, words, status=200)
    problem = (
        gettext("Say what is wrong, in at most {n} characters.").format(n=membership.MAX_TEXT)
        if request.method == "POST"
        else ""
    )
    status = 400 if problem else 200
    return session.show(request, "report", person, status=status, hit=hit, problem=problem, text=text)


@require_GET
def show_about(request: HttpRequest, page: str) -> HttpResponse:
    """A page that the operator fills in: terms, privacy or contact."""
    text = _read_page(page)
    person = session.find_person(request)
    return session.show(request, "about", person, title=TITLES[page], page=page, text=text)


def _read_page(page: str) -> str:
    """What the operator wrote; empty if they wrote nothing."""
    if not settings.SANDBOX_PAGES:
        return ""
    try:
        return (Path(settings.SANDBOX_PAGES) / f"{page}.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
