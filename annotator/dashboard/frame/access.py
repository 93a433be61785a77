"""Who may see which page: a view names the role it needs. What a page refuses becomes a page that says why."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase

from annotator.accounts.models import Role
from annotator.accounts.roles import may, role_of
from annotator.crowd.marketplaces.outcomes import RealMoneyRefused
from annotator.dashboard.frame.guests import may_look
from annotator.dashboard.frame.pages import SignedInRequest, show_refusal
from annotator.refusals import Refusal
from annotator.work.performing import RoleMissing

Page = Callable[..., HttpResponseBase]


def find_status(refusal: Refusal) -> int:
    """The HTTP status under which a refusal is shown."""
    return 403 if isinstance(refusal, RoleMissing | RealMoneyRefused) else 422


def needs(role: Role) -> Callable[[Page], Page]:
    """Sends people who are signed out to the sign-in page, unless a link that they were sent shows this very page.

    Tells people without the role which one they need.
    """

    def decorate(page: Page) -> Page:
        @wraps(page)
        def guarded(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                if may_look(request):
                    return _show_guest(page, request, *args, **values)
                return redirect_to_login(request.get_full_path())
            signed_in = SignedInRequest.of(request, role=role_of(request.user))
            if not may(signed_in.role, role):
                return show_refusal(signed_in, f"You need the role {role.value} or a higher one.", status=403)
            try:
                return page(signed_in, *args, **values)
            except Refusal as refusal:
                return show_refusal(signed_in, str(refusal), status=find_status(refusal))

        guarded.least_role = role  # type: ignore[attr-defined]  # docs/routes.md tells it
        return guarded

    return decorate


def _show_guest(page: Page, request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
    """Nobody finds the page by searching, and nobody's browser keeps it after the link has ended."""
    guest = SignedInRequest.of(request, role=Role.VIEWER, is_guest=True)
    try:
        response = page(guest, *args, **values)
    except Refusal as refusal:
        response = show_refusal(guest, str(refusal), status=find_status(refusal))
    response["X-Robots-Tag"] = "noindex, nofollow"
    if response.get("Content-Type", "").startswith("text/html"):
        response["Cache-Control"] = "no-store"
    return response
