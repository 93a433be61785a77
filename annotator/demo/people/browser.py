"""The web browser of simulated people: httpx with pages, forms, and retries while a service starts again."""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urljoin

import httpx
from lxml import html

from annotator.refusals import Refusal

# Waits between tries, in seconds: a killed process is restarted within some seconds.
_WAITS = (0.2, 0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)
_TIMEOUT = 60


class SiteUnreachable(Refusal):
    """A site did not answer, or answered with errors only, for a long time."""


class PageUnexpected(Refusal):
    """A page is not the one that a person would expect there."""


@dataclass(frozen=True)
class Page:
    """An answer: address after redirects, status, body."""

    url: str
    status: int
    body: bytes

    @property
    def document(self) -> html.HtmlElement:
        return html.fromstring(self.body, base_url=self.url)

    @property
    def data(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise PageUnexpected(
                f"{self.url.split('?')[0]} answered {self.status} with content that is not JSON."
            ) from error
        if not isinstance(value, dict):
            raise PageUnexpected(f"{self.url.split('?')[0]} answered with no JSON object.")
        return value

    def link(self, address: str) -> str:
        """An address on this page made absolute."""
        return urljoin(self.url, address)


class Browser:
    """One person's browser."""

    def __init__(self, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._client = httpx.Client(
            follow_redirects=True,
            timeout=_TIMEOUT,
            # Everything is on this machine or in the lab's own network: no proxy is used.
            trust_env=False,
            # A connection per request: none is left open when the person is done, or when a service is killed.
            limits=httpx.Limits(max_keepalive_connections=0),
            verify=_make_tls_context(),
        )

    def get(self, url: str) -> Page:
        return self._send("GET", url)

    def find_all(self, url: str, path: str) -> Iterator[html.HtmlElement]:
        """The elements at this XPath, of the page and of those that its link to the next page leads to."""
        address: str | None = url
        while address:
            page = self.get(address)
            yield from page.document.xpath(path)
            following = page.document.xpath("//a[@rel='next']/@href")
            address = page.link(following[0]) if following else None

    def post_form(self, url: str, fields: Mapping[str, str]) -> Page:
        return self._send("POST", url, data=fields)

    def post_json(self, url: str, value: Mapping[str, object]) -> Page:
        """Send what a page's script sends."""
        return self._send("POST", url, json=value)

    def _send(self, method: str, url: str, **content: Any) -> Page:
        """Sends it again if there is no answer: every act at these sites may be repeated."""
        if not url.startswith(("http://", "https://")):
            raise PageUnexpected(f"{url[:80]} is no web address.")
        problem = ""
        for wait in (*_WAITS, None):
            try:
                answer = self._client.request(method, url, **content)
            except httpx.RequestError as error:
                problem = f"does not answer ({error})"
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    return Page(str(answer.url), answer.status_code, answer.content)
                problem = f"answers {answer.status_code}"
            if wait is not None:
                self._pause(wait)
        raise SiteUnreachable(f"{url.split('?')[0]} {problem}.")


@cache
def _make_tls_context() -> ssl.SSLContext:
    """One for all browsers: reading the certificates takes 20 ms."""
    return httpx.create_ssl_context()


def find(page: Page, element_id: str) -> Any | None:
    found = page.document.xpath("//*[@id=$wanted]", wanted=element_id)
    return found[0] if found else None


def fill_form(page: Page, xpath: str, fields: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The address and the fields of a form on a page, its hidden fields included, filled in."""
    found = page.document.xpath(xpath)
    if not found:
        raise PageUnexpected(f"The page {page.url.split('?')[0]} ({page.status}) lacks a form that it should have.")
    hidden = {str(name): str(value) for name, value in found[0].form_values()}
    return page.link(found[0].get("action") or page.url), {**hidden, **fields}
