"""The client of Prolific's API, version 1 (https://docs.prolific.com/api-reference): its outcomes in three kinds.

An answer; a refusal (Prolific decided, nothing was done); or an unknown outcome (no usable answer came).
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from annotator.crowd.marketplaces.outcomes import MarketplaceRefused, MarketplaceSilent, NoCredentials, OutcomeUnknown

TIMEOUT_SECONDS = 20.0
PAGE_SIZE = 100
# Too many requests: Prolific did nothing, and says so.
THROTTLED = 429


class ProlificThrottled(OutcomeUnknown):
    """Prolific was asked too often. This request was certainly not carried out."""


class ProlificClient:
    """Calls the API; every method raises MarketplaceRefused or OutcomeUnknown."""

    def __init__(self) -> None:
        self._headers = {"Authorization": f"Token {read_token()}"}

    def get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("PATCH", path, body)

    def list_all(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list, page after page. A page shorter than its size is the last."""
        number = 1
        while True:
            asked = "&".join(f"{name}={value}" for name, value in query.items())
            address = f"{path}?page={number}&page_size={PAGE_SIZE}{f'&{asked}' if asked else ''}"
            results = self.get(address).get("results") or []
            yield from results
            if len(results) < PAGE_SIZE:
                return
            number += 1

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Nothing is repeated here: the outbox decides what may be sent again."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  the operator's own setting, checked to be http or https
            f"{settings.PROLIFIC_URL}/api/v1/{path}",
            content,
            self._headers | {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return _read(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _read(error.code, error.read())
        except (OSError, http.client.HTTPException) as error:
            kind = type(error).__name__
            raise MarketplaceSilent(f"Prolific at {settings.PROLIFIC_URL} does not answer ({kind}).") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token goes to the address of the settings and to no other."""

    def redirect_request(self, *args: Any, **options: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def read_token() -> str:
    """From the settings. Raises NoCredentials."""
    if not settings.PROLIFIC_TOKEN:
        raise NoCredentials("No credentials for the marketplace prolific: set PROLIFIC_TOKEN.")
    return str(settings.PROLIFIC_TOKEN)


def _read(status: int, content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content) if content else {}
    except ValueError:
        value = None
    if status == THROTTLED:
        raise ProlificThrottled("Prolific was asked too often; it is asked again later.")
    if 200 <= status < 300 and isinstance(value, dict):
        return value
    if status >= 500 or status < 400:
        raise OutcomeUnknown(f"Prolific is failing (status {status}).")
    raise MarketplaceRefused(_explain(value), code=f"Prolific {status}")


def _explain(value: Any) -> str:
    """What Prolific's error says, as one line: {"error": {"title", "detail", ...}}, and `detail` may be a list."""
    error = value.get("error", value) if isinstance(value, dict) else value
    detail = error.get("detail") or error.get("title") if isinstance(error, dict) else error
    return " ".join(str(detail or "no reason was given").split())[:500]
