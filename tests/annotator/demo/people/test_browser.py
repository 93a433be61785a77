"""The browser of simulated people: forms, cookies, and patience with a service that starts again."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from annotator.demo.people.browser import Browser, PageUnexpected, SiteUnreachable, fill_form, find

FORM = b"""<html><body><p id="hello">Hi</p>
<form id="other" action="/else"><input name="x" value="1"></form>
<form id="mine" action="/send?to=us" method="post"><input type="hidden" name="csrf" value="secret">
<input name="name"></form>
</body></html>"""


class Site(BaseHTTPRequestHandler):
    """Answers with what the test put into `answers`: (status, body) pairs; the last one stays."""

    answers: list[tuple[int, bytes]]
    seen: list[tuple[str, str, bytes, str | None]]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.seen.append((self.command, self.path, self.rfile.read(length), self.headers.get("Cookie")))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        self.send_header("Set-Cookie", "who=me; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Site.answers, Site.seen = [(200, FORM)], []
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_form_is_sent_with_its_hidden_fields_to_its_own_address(site):
    browser = Browser()
    page = browser.get(f"{site}/a/page")
    address, fields = fill_form(page, "//form[@id='mine']", {"name": "Ann & Bob"})
    assert address == f"{site}/send?to=us"
    browser.post_form(address, fields)
    assert Site.seen[-1] == ("POST", "/send?to=us", b"csrf=secret&name=Ann+%26+Bob", "who=me")
    assert find(page, "hello").text == "Hi"
    assert find(page, "nobody") is None


def test_a_service_that_starts_again_is_waited_for(site):
    Site.answers = [(503, b""), (502, b""), (200, b'{"state": "stored"}')]
    waits: list[float] = []
    assert Browser(pause=waits.append).post_json(f"{site}/submit", {"a": 1}).data == {"state": "stored"}
    assert len(waits) == 2
    assert [body for _, _, body, _ in Site.seen] == [b'{"a":1}'] * 3


def test_refusals_are_pages_and_are_not_repeated(site):
    Site.answers = [(409, b"<p>taken</p>")]
    page = Browser(pause=lambda seconds: pytest.fail("waited")).get(site)
    assert (page.status, page.body) == (409, b"<p>taken</p>")


def test_a_site_that_stays_silent_is_given_up_in_words():
    waits: list[float] = []
    with pytest.raises(SiteUnreachable, match=r"http://127\.0\.0\.1:9/x does not answer"):
        Browser(pause=waits.append).get("http://127.0.0.1:9/x?workerId=secret")
    assert sum(waits) > 30


def test_a_page_without_the_form_or_with_something_else_than_json_is_unexpected(site):
    page = Browser().get(site)
    with pytest.raises(PageUnexpected, match="lacks a form"):
        fill_form(page, "//form[@id='absent']", {})
    with pytest.raises(PageUnexpected, match="JSON"):
        _ = page.data


def test_links_that_are_no_web_addresses_are_not_followed():
    with pytest.raises(PageUnexpected, match="no web address"):
        Browser().get("file:///etc/hostname")
