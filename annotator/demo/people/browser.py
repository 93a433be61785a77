"""A small web browser for simulated people: pages, forms, cookies, and patience while a service starts again."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import CookieJar
from typing import Any

from lxml import html

from annotator.refusals import Refusal

# Waits between tries, seconds: a killed process is back within some seconds.
_WAITS = (0.2, 0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)
_TIMEOUT = 60


class SiteUnreachable(Refusal):
    """A site does not answer, or only with errors, for a long time."""


class PageUnexpected(Refusal):
    """A page is not what a person would expect there."""


@dataclass(frozen=True)
class Page:
    """What came back: address after redirects, status, body."""

    url: str
    status: int
    body: bytes

    @property
    def document(self) -> html.HtmlElement:
        """The parsed page."""
        return html.fromstring(self.body, base_url=self.url)

    @property
    def data(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise PageUnexpected(
                f"{self.url.split('?')[0]} answered {self.status} with something else than JSON."
            ) from error
        if not isinstance(value, dict):
            raise PageUnexpected(f"{self.url.split('?')[0]} answered with no JSON object.")
        return value

    def link(self, address: str) -> str:
        """An address on this page made absolute."""
        return urllib.parse.urljoin(self.url, address)


class Browser:
    """One person's browser."""

    def __init__(self, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        # Everything is on this machine or the lab's own: no proxy stands between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), self._cookies)

    def get(self, url: str) -> Page:
        """Open an address."""
        return self._send(_make_request(url))

    def post_form(self, url: str, fields: Mapping[str, str]) -> Page:
        """Send a form."""
        return self._send(_make_request(url, urllib.parse.urlencode(fields).encode()))

    def post_json(self, url: str, value: Mapping[str, object]) -> Page:
        """Send what a page's script sends."""
        return self._send(_make_request(url, json.dumps(value).encode(), "application/json"))

    def _send(self, request: urllib.request.Request) -> Page:
        """Every act of the sites may be repeated, so a lost answer is asked for again."""
        problem = ""
        for wait in (*_WAITS, None):
            try:
                with self._opener.open(request, timeout=_TIMEOUT) as answer:
                    return Page(answer.geturl(), answer.status, answer.read())
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code != 429:
                    return Page(error.geturl() or request.full_url, error.code, error.read())
                problem = f"answers {error.code}"
            except (OSError, HTTPException) as error:
                problem = f"does not answer ({error})"
            if wait is not None:
                self._pause(wait)
        raise SiteUnreachable(f"{request.full_url.split('?')[0]} {problem}.")


def _make_request(url: str, data: bytes | None = None, kind: str | None = None) -> urllib.request.Request:
    """A request to a web address; links to files and the like are not followed."""
    if not url.startswith(("http://", "https://")):
        raise PageUnexpected(f"{url[:80]} is no web address.")
    return urllib.request.Request(url, data=data, headers={"Content-Type": kind} if kind else {})  # noqa: S310


def find(page: Page, element_id: str) -> Any | None:
    """The element with this id."""
    found = page.document.xpath("//*[@id=$wanted]", wanted=element_id)
    return found[0] if found else None


def fill_form(page: Page, xpath: str, fields: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The address and the fields of a form on a page, its hidden fields included, filled in."""
    found = page.document.xpath(xpath)
    if not found:
        raise PageUnexpected(f"The page {page.url.split('?')[0]} ({page.status}) lacks a form that belongs there.")
    hidden = {str(name): str(value) for name, value in found[0].form_values()}
    return page.link(found[0].get("action") or page.url), {**hidden, **fields}
