"""What a person sees when a request fails, on the dashboard, the HIT pages and the sandbox alike.

The pages need no database, session or static file, since each of these may be what failed.
"""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

# Addresses whose pages lie in a marketplace's frame: what failed is to be read there, too. Nothing can be done on it,
# and it leads nowhere: no page but these may lie in the frame.
FRAMED = ("/mturk/", "/hit/")


def show_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _show(request, "not_found", status=404)


def show_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _show(request, "forbidden", status=403)


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _show(request, "bad_request", status=400)


def show_failed(request: HttpRequest) -> HttpResponse:
    """Called while the exception is handled; without the database the page says so, with status 503."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = _show(request, "unavailable", status=503)
        response["Retry-After"] = "60"
        return response
    return _show(request, "failed", status=500)


def show_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its page's token: a page of yesterday, or another site."""
    return _show(request, "csrf", status=403)


def show_too_large(request: HttpRequest, *, most_bytes: int) -> HttpResponse:
    """`most_bytes`: what may be sent to this address by whoever sends it."""
    is_of_crowd = request.path.startswith((*FRAMED, "/worker/"))
    response = _show(request, "too_large", status=413, most_mb=most_bytes >> 20, is_of_crowd=is_of_crowd)
    response["Connection"] = "close"
    return response


def _show(request: HttpRequest, name: str, *, status: int, **context: object) -> HttpResponse:
    is_framed = request.path.startswith(FRAMED)
    text = render_to_string(f"problems/{name}.html", {"is_framed": is_framed, **context})
    response = HttpResponse(text, status=status)
    response.xframe_options_exempt = is_framed
    return response
