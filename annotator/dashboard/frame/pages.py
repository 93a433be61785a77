"""Puts a page's content into the house of django-unfold: sidebar, header, messages, theme."""

from collections.abc import Mapping
from typing import Any, Self, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.sites import UnfoldAdminSite

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from workers.engine.format import bounds

# The dashboard needs unfold's frame without the admin's list of tables, which costs two queries per page.
_FRAME = UnfoldAdminSite(name="admin")


class SignedInRequest(HttpRequest):
    """A request whose person and role are known; `access.needs` makes it.

    A guest is signed out (`user` is anonymous) and was sent a link to this page.
    """

    user: User
    role: Role | None
    is_guest: bool

    @classmethod
    def of(cls, request: HttpRequest, *, role: Role | None, is_guest: bool = False) -> Self:
        known = cast(Self, request)
        known.role, known.is_guest = role, is_guest
        return known


def show(request: SignedInRequest, template: str, *, title: str, status: int = 200, **context: Any) -> HttpResponse:
    """A whole page. The title is shown in the header and in the browser's tab."""
    return render(request, template, {**frame(request), "title": title, "bounds": bounds, **context}, status=status)


def show_part(request: SignedInRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """A piece of a page that htmx swaps in; whoever opens its address gets it as a whole page."""
    if not request.headers.get("HX-Request"):
        return show(request, "dashboard/frame/part.html", title="Unitscope", part=template, **context)
    response = render(request, template, {**context, **permissions(request)})
    response["Cache-Control"] = "no-store"
    return response


def show_refusal(request: SignedInRequest, reason: str, *, status: int) -> HttpResponse:
    """A page with one sentence that says what is wrong or not allowed."""
    if request.headers.get("HX-Request"):
        return HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8")
    return show(request, "dashboard/frame/refusal.html", title="This is not possible", status=status, reason=reason)


def frame(request: SignedInRequest) -> dict[str, Any]:
    shown = {**_FRAME.each_context(request), **permissions(request)}
    return {**shown, "is_nav_sidebar_enabled": False} if request.is_guest else shown


def permissions(request: SignedInRequest) -> dict[str, Any]:
    known = {"role": request.role, "is_guest": request.is_guest}
    return {**known, **{f"may_{verb}": may(request.role, role) for verb, role in VERBS.items()}}


VERBS = {"run": Role.RESEARCHER, "decide": Role.REVIEWER, "pay": Role.PAYER, "administer": Role.ADMIN}
