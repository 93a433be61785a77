"""The marketplace's two host names: its own pages, and the content of requesters, which has no right over them."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

CONTENT_URLCONF = "annotator.sandbox.frames.urls"


class SeparateContent:
    """Middleware: at the host name of SANDBOX_CONTENT_URL nothing answers but the content of requesters."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_content_host(request):
            request.urlconf = CONTENT_URLCONF
        return self.get_response(request)


def is_content_host(request: HttpRequest) -> bool:
    content = urlsplit(settings.SANDBOX_CONTENT_URL).netloc
    return bool(content) and request.META.get("HTTP_HOST", "").lower() == content


def allow_framing(response: HttpResponse, *, policy: str = "") -> HttpResponse:
    """The page may lie in a frame of this site. frame-ancestors replaces X-Frame-Options, which knows one origin."""
    ancestors = f"frame-ancestors 'self' {settings.SANDBOX_URL}"
    response["Content-Security-Policy"] = f"{ancestors}; {policy}" if policy else ancestors
    response.xframe_options_exempt = True
    return response
