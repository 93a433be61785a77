"""The dashboard's people, their roles and one-time links, each one's own API tokens, and what they decided."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import AuditLogBroken, verify_audit_log
from annotator.accounts.inviting import InvitationRefused, invite, welcome_path
from annotator.accounts.managing import change_role, end_tokens, let_in, reset_password, shut_out
from annotator.accounts.models import ApiToken, AuditEntry, Role, Scope
from annotator.accounts.tokens import DEFAULT_LIFE, MAX_LIFE, issue_token, revoke_token
from annotator.crowd.marketplaces.table import list_facts
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.refusals import Refusal
from annotator.work.steps.judging import EraseOptions
from annotator.work.table import STEPS


class InviteForm(forms.Form):
    username = forms.CharField(label="User name", max_length=150)
    email = forms.EmailField(required=False)
    role = forms.ChoiceField(choices=Role.choices)


class EraseForm(forms.Form):
    """The id is read, used and kept nowhere."""

    marketplace = forms.ChoiceField(choices=lambda: [(facts.name, facts.title) for facts in list_facts()])
    worker_id = forms.CharField(
        label="Worker id",
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="As the worker writes it; or the pseudonym of a person whom a file brought",
    )


class TokenForm(forms.Form):
    name = forms.CharField(label="What it is for", max_length=80)
    scope = forms.ChoiceField(label="It may", choices=Scope.choices, initial=Scope.READ)
    days = forms.IntegerField(
        label="Ends after how many days", min_value=1, max_value=MAX_LIFE.days, initial=DEFAULT_LIFE.days
    )


@needs(Role.VIEWER)
def show_people(request: SignedInRequest) -> HttpResponse:
    """People, roles and API tokens."""
    return _show(request)


@require_POST
@needs(Role.ADMIN)
def invite_one(request: SignedInRequest) -> HttpResponse:
    """Makes an account and shows its one-time link."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _show(request, invite_form=form, status=422)
    try:
        user = invite(
            username=form.cleaned_data["username"],
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
            actor=request.user,
            now=timezone.now(),
        )
    except InvitationRefused as refused:
        form.add_error("username", str(refused))
        return _show(request, invite_form=form, status=422)
    return _show(request, link=f"{settings.WEB_URL}{welcome_path(user)}", invited=user)


@require_POST
@needs(Role.ADMIN)
def change_person(request: SignedInRequest, user_id: int, act: str) -> HttpResponse:
    """Changes a role, shuts a person out or in again, resets a password, or revokes a person's tokens."""
    person, now = get_object_or_404(User, pk=user_id), timezone.now()
    match act:
        case "role":
            wanted = request.POST.get("role", "")
            if wanted not in Role.values:
                return show_refusal(request, "There is no such role.", status=422)
            change_role(user=person, role=Role(wanted), actor=request.user, now=now)
        case "shut-out":
            shut_out(user=person, actor=request.user, now=now)
        case "let-in":
            let_in(user=person, actor=request.user, now=now)
        case "revoke-tokens":
            end_tokens(user=person, actor=request.user, now=now)
        case "reset-password":
            fresh = reset_password(user=person, actor=request.user, now=now)
            return _show(request, link=f"{settings.WEB_URL}{welcome_path(fresh)}", invited=fresh)
        case _:
            return show_refusal(request, "There is no such act.", status=404)
    messages.success(request, f"Done for {person.get_username()}.")
    return redirect("people")


@require_POST
@needs(Role.ADMIN)
def erase_one(request: SignedInRequest) -> HttpResponse:
    """Erases a worker who asks for it. Neither the log nor the page names them afterwards."""
    form = EraseForm(request.POST)
    if not form.is_valid():
        return _show(request, erase_form=form, status=422)
    marketplace = form.cleaned_data["marketplace"]
    options = EraseOptions(worker_id=form.cleaned_data["worker_id"])
    try:
        job = ask_step(request, STEPS["erase-worker"], marketplace, options=options)
    except Refusal as refused:
        form.add_error("worker_id", str(refused))
        return _show(request, erase_form=form, status=422)
    messages.success(request, job.sentence)
    return redirect("people")


@require_POST
@needs(Role.VIEWER)
def issue_one(request: SignedInRequest) -> HttpResponse:
    """A new API token, shown once."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _show(request, token_form=form, status=422)
    text = issue_token(
        user=request.user,
        name=form.cleaned_data["name"],
        actor=request.user,
        now=timezone.now(),
        scope=Scope(form.cleaned_data["scope"]),
        life=timedelta(days=form.cleaned_data["days"]),
    )
    return _show(request, new_token=text)


@require_POST
@needs(Role.VIEWER)
def revoke_one(request: SignedInRequest, token_id: int) -> HttpResponse:
    """Ends one of one's own API tokens."""
    if not revoke_token(token_id=token_id, owner=request.user, actor=request.user, now=timezone.now()):
        return show_refusal(request, "You have no such token.", status=404)
    messages.success(request, "The token is revoked.")
    return redirect("people")


@needs(Role.VIEWER)
def show_decisions(request: SignedInRequest) -> HttpResponse:
    """The audit log, newest first."""
    entries = Paginator(AuditEntry.objects.order_by("-id"), 50).get_page(request.GET.get("page"))
    return show(request, "dashboard/people/decisions.html", title="Decisions", entries=entries)


@needs(Role.VIEWER)
def verify_decisions(request: SignedInRequest) -> HttpResponse:
    """Checks the audit log's chain of digests."""
    try:
        verified, broken = verify_audit_log(), ""
    except AuditLogBroken as problem:
        verified, broken = None, str(problem)
    return show_part(request, "dashboard/people/decisions_verified.html", {"verified": verified, "broken": broken})


def _show(request: SignedInRequest, *, status: int = 200, **context: object) -> HttpResponse:
    response = show(
        request,
        "dashboard/people/people.html",
        title="People and tokens",
        status=status,
        **{
            "people": User.objects.select_related("membership").order_by("username")[:200],
            "tokens": ApiToken.objects.filter(user=request.user, revoked_at=None),
            "roles": Role.choices,
            "invite_form": InviteForm(),
            "token_form": TokenForm(),
            "erase_form": EraseForm(),
            **context,
        },
    )
    response["Cache-Control"] = "no-store"
    return response
