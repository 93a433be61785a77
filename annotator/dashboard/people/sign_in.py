"""Signing in and out, and the one-time link that sets a first password. Nobody registers themselves."""

from django import forms
from django.contrib import admin
from django.contrib.auth import login, logout
from django.contrib.auth.forms import SetPasswordForm
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
from annotator.accounts.signing_in import SignInRefused, sign_in


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
        try:
            user = sign_in(
                request=request,
                username=form.cleaned_data["username"],
                password=form.cleaned_data["password"],
                address=request.META.get("REMOTE_ADDR", ""),
                now=timezone.now(),
            )
        except SignInRefused as refused:
            form.add_error(None, str(refused))
        else:
            login(request, user)
            return redirect(_destination(request))
    return _show(request, form, title="Sign in", action="Sign in")


@never_cache
@sensitive_post_parameters()
def show_welcome(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """A one-time link: sets the password of an invited person."""
    user = find_invited(uid=uid, token=token)
    if user is None:
        return _show(request, None, title="This link was used or is too old", action="", status=410)
    form: SetPasswordForm[User] = SetPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save(), backend="annotator.accounts.backend.MembershipBackend")
        return redirect("home")
    return _show(request, form, title=f"Welcome, {user.get_username()}", action="Set password and sign in")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return redirect("sign-in")


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
