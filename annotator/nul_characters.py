"""Text with a NUL character, which PostgreSQL does not take, is refused before a view reads it."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse


class RefuseNul:
    """Middleware after the limit of bodies: forms are read here. The sandbox and HIT pages keep answers and drop it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, arguments: Any, values: Any) -> None:
        """Raises SuspiciousOperation: the page of a bad request."""
        if not view.__module__.startswith("annotator.dashboard."):
            return
        for sent in (request.GET, request.POST):
            if any("\0" in text for name, texts in sent.lists() for text in (name, *texts)):
                raise SuspiciousOperation("A NUL character was sent.")
