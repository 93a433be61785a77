"""What a person sees when a request fails, on the dashboard, the HIT pages and the sandbox alike.

The pages need no database, session or static file, since each of these may be what failed.
"""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def show_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _show("not_found", status=404)


def show_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _show("forbidden", status=403)


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _show("bad_request", status=400)


def show_failed(request: HttpRequest) -> HttpResponse:
    """Called while the exception is handled; without the database the page says so, with status 503."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = _show("unavailable", status=503)
        response["Retry-After"] = "60"
        return response
    return _show("failed", status=500)


def show_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its page's token: a page of yesterday, or another site."""
    return _show("csrf", status=403)


def show_too_large(request: HttpRequest) -> HttpResponse:
    response = _show("too_large", status=413)
    response["Connection"] = "close"
    return response


def _show(name: str, *, status: int) -> HttpResponse:
    return HttpResponse(render_to_string(f"problems/{name}.html"), status=status)
