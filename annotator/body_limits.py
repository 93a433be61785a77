"""Large bodies only from people who may send them, told by the head alone: what others send is not read at all."""

import sys
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from annotator.accounts.models import Role
from annotator.accounts.roles import may, role_of
from annotator.buffering_worker import MAX_BUFFERED_BYTES
from annotator.problems.pages import show_too_large

# A file of 64 MB and the form around it.
MAX_IMPORT_BYTES = 66 << 20
# A worker's answer with a file, as a qualification test may ask for; the sandbox bounds the file itself.
MAX_ANSWER_BYTES = 6 << 20
# A photograph may have 10 MiB; of one that has somewhat more, the form says so.
MAX_PHOTOGRAPH_BYTES = 24 << 20
# By name of route.
OF_RESEARCHERS = {"import": MAX_IMPORT_BYTES, "try": MAX_PHOTOGRAPH_BYTES, "readout": MAX_PHOTOGRAPH_BYTES}


class LimitBodies:
    """Middleware after sign-in and before anything that reads a form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said = request.META.get("CONTENT_LENGTH") or "0"
        n_bytes = int(said) if said.isdigit() else None
        if n_bytes is None or n_bytes > MAX_BUFFERED_BYTES:
            most = find_limit(request)
            if n_bytes is None or n_bytes > most:
                return show_too_large(request, most_bytes=most)
        return self.get_response(request)


def find_limit(request: HttpRequest) -> int:
    """How many bytes this request's body may have."""
    if settings.ROOT_URLCONF == "annotator.sandbox.urls":
        if request.path == "/":  # the Requester API refuses in its own protocol, unread
            return sys.maxsize
        is_person = request.path.startswith("/worker/") and "sandbox_person" in request.session
        return MAX_ANSWER_BYTES if is_person else MAX_BUFFERED_BYTES
    try:
        limit = OF_RESEARCHERS.get(resolve(request.path).view_name)
    except Resolver404:
        limit = None
    return limit if limit and may(role_of(request.user), Role.RESEARCHER) else MAX_BUFFERED_BYTES
