"""Signing in and out, and the one-time link that sets a first password. Nobody registers themselves."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login, logout
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from annotator.accounts.inviting import find_invited
from annotator.accounts.managing import LinkUsed, set_password
from annotator.accounts.models import Role
from annotator.accounts.signing_in import KNOWN_FOR, Attempt, SignInRefused, make_browser_mark, sign_in
from annotator.client_address import find_client_network
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest

BROWSER_COOKIE = "unitscope_browser"
BACKEND = "annotator.accounts.backend.MembershipBackend"


class SignInForm(forms.Form):
    username = forms.CharField(
        label="User name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        max_length=500, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


@never_cache
@sensitive_post_parameters("password")
def show_sign_in(request: HttpRequest) -> HttpResponse:
    """Signs in with name and password; repeated failures must wait."""
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        attempt = Attempt(
            username=form.cleaned_data["username"],
            password=form.cleaned_data["password"],
            address=find_client_network(request),
            browser=request.COOKIES.get(BROWSER_COOKIE, ""),
        )
        try:
            user = sign_in(request=request, attempt=attempt, now=timezone.now())
        except SignInRefused as refused:
            form.add_error(None, str(refused))
        else:
            login(request, user)
            return _remember_browser(redirect(_destination(request)), user)
    return _show(request, form, title="Sign in", action="Sign in")


@never_cache
@sensitive_post_parameters()
def show_welcome(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """A one-time link: sets the password of an invited person."""
    user = find_invited(uid=uid, token=token)
    if user is None:
        return _show_used(request)
    before = user.password
    form: SetPasswordForm[User] = SetPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(commit=False)
        try:
            set_password(user=user, before=before, now=timezone.now())
        except LinkUsed:
            return _show_used(request)
        login(request, user, backend=BACKEND)
        return _remember_browser(redirect("home"), user)
    return _show(request, form, title=f"Welcome, {user.get_username()}", action="Set password and sign in")


@never_cache
@sensitive_post_parameters()
@needs(Role.VIEWER)
def change_password(request: SignedInRequest) -> HttpResponse:
    """Changes one's own password; one's other sessions and all one's tokens end."""
    user, before = request.user, request.user.password
    form = PasswordChangeForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(commit=False)
        set_password(user=user, before=before, now=timezone.now())
        login(request, user, backend=BACKEND)
        return _remember_browser(redirect("people"), user)
    return _show(request, form, title="Change your password", action="Change password")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return redirect("sign-in")


def _show_used(request: HttpRequest) -> HttpResponse:
    return _show(request, None, title="This link was used or is too old", action="", status=410)


def _remember_browser(response: HttpResponse, user: User) -> HttpResponse:
    """In this browser the right password signs in, whoever else fails with the same name."""
    response.set_cookie(
        BROWSER_COOKIE, make_browser_mark(user), max_age=KNOWN_FOR, path="/sign-in/",
        secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax",
    )  # fmt: skip
    return response


def _destination(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else reverse("home")


def _show(
    request: HttpRequest, form: forms.BaseForm | None, *, title: str, action: str, status: int = 200
) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "form": form,
        "title": title,
        "action": action,
        "next": request.POST.get("next") or request.GET.get("next") or "",
        "site_url": None,
    }
    return render(request, "dashboard/people/sign_in.html", context, status=status)
