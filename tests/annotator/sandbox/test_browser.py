"""The worker site in Chromium, on a phone and on a desk: frames of another origin and of none, forms."""

import datetime as dt
import http.server
import io
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from annotator.sandbox.acts import accounts, transitions
from annotator.sandbox.models import Assignment, Person
from annotator.sandbox.questions.documents import EXTERNAL_NAMESPACE, HTML_NAMESPACE
from annotator.sandbox.worker import session
from tests import axe
from tests.annotator.sandbox import serving
from tests.annotator.sandbox.conftest import HIT_TYPE
from tests.conformance.documents import FORM

pytestmark = pytest.mark.browser
# What a requester's page does: read Amazon's parameters, post to where it is told.
PAGE = """<!doctype html><form method="post" id="f"><input name="description" id="d">
<input type="hidden" name="assignmentId" id="a"><button id="s">Send</button></form><script>
const given = new URLSearchParams(location.search);
document.getElementById("a").value = given.get("assignmentId");
document.getElementById("f").action = given.get("turkSubmitTo") + "/mturk/externalSubmit";
document.getElementById("s").disabled = given.get("assignmentId") === "ASSIGNMENT_ID_NOT_AVAILABLE";
try { parent.document.title = "taken over"; } catch { document.body.dataset.apart = "yes"; }
</script>"""


class _Requester(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def hit_page() -> Iterator[str]:
    """A requester's own server: `localhost`, another origin than the sandbox's 127.0.0.1."""
    with http.server.ThreadingHTTPServer(("localhost", 0), _Requester) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://localhost:{server.server_port}/hit"
        server.shutdown()
        thread.join()


@pytest.fixture
def published(served: str, hit_page: str) -> str:
    """Three HITs: a page of another origin, a requester's HTML, a form."""
    account = accounts.open_account("lab", balance_usd=Decimal(100), now=dt.datetime.now(dt.UTC))
    mturk = serving.connect(endpoint=served, key=account.access_key_id, secret=account.secret_access_key)
    external = (
        f'<ExternalQuestion xmlns="{EXTERNAL_NAMESPACE}"><ExternalURL>{hit_page}</ExternalURL>'
        "<FrameHeight>300</FrameHeight></ExternalQuestion>"
    )
    html = (
        f'<HTMLQuestion xmlns="{HTML_NAMESPACE}"><HTMLContent><![CDATA[{PAGE}]]></HTMLContent>'
        "<FrameHeight>300</FrameHeight></HTMLQuestion>"
    )
    for title, question in (("External", external), ("Own HTML", html), ("Form", FORM)):
        mturk.create_hit(**{**HIT_TYPE, "Title": title}, LifetimeInSeconds=3600, Question=question)
    return served


def test_somebody_signs_up_and_does_three_kinds_of_hits(published: str, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    sign_up(page, published)
    do_all(page, published)
    page.close()
    assert problems == []
    assert Assignment.objects.filter(state="Submitted").count() == 3


def test_on_a_phone_from_the_invitation_to_the_payout(
    published: str, chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link of a named invitation, three HITs, a payout address, and the money that the operator paid."""
    # A marketplace that is open to nobody without an invitation.
    monkeypatch.setattr(session, "is_open_to_all", lambda request: False)
    page = chromium.new_page(viewport={"width": 360, "height": 740}, has_touch=True)
    page.set_default_timeout(60_000)
    link = run("sandbox_invite", "--name", "Ada L.").split(": ", 1)[1].strip()
    sign_up(page, published, f"{published}/worker/sign-up?{urlsplit(link).query}")
    do_all(page, published)
    page.goto(f"{published}/worker/account")
    page.fill("#contact", "ada@example.org")
    page.fill("#payout_address", "DE02 1203 0000 0000 2020 51")
    page.click("#account-form button")
    for assignment in Assignment.objects.select_related("hit"):
        transitions.approve(assignment, feedback="", is_override=False, now=dt.datetime.now(dt.UTC))
    person = Person.objects.get(invited_as="Ada L.")
    payments = tmp_path / "paid.csv"
    payments.write_text(f"worker_id,amount,reference\n{person.mturk_id},1.10,wire-1\n")
    run("sandbox_paid", str(payments))
    page.goto(f"{published}/worker/history")
    shown = [page.inner_text(f"#{name}") for name in ("earned", "paid", "owed")]
    assert shown == ["$1.50", "$1.10", "$0.40"]
    assert "wire-1" in page.inner_text("#payouts")
    found = {path: look_at(page, published + path) for path in PERSONAL}
    page.close()
    assert not any(found.values()), found
    assert run("sandbox_audit").count("says") == 0


# What a person reads of themselves, their money and their rights.
PERSONAL = (
    "/worker/account", "/worker/history", "/worker/queue", "/worker/messages", "/worker/about/terms",
    "/worker/about/privacy", "/worker/about/contact",
)  # fmt: skip


def run(*words: str) -> str:
    output = io.StringIO()
    call_command(*words, stdout=output)
    return output.getvalue()


def look_at(page: Page, address: str) -> dict[str, list[str]]:
    answer = page.goto(address)
    assert answer is not None
    assert answer.ok, address
    assert fits(page), f"{address} scrolls sideways"
    return axe.find_serious(page)


def do_all(page: Page, site: str) -> None:
    for title in ("External", "Own HTML"):
        do_framed(page, title)
    do_form(page)
    page.goto(f"{site}/worker/history")
    expect(page.locator("#history tr[data-state=Submitted]")).to_have_count(3)
    assert fits(page)


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def sign_up(page: Page, site: str, link: str = "") -> None:
    page.goto(link or f"{site}/")
    if not link:
        page.get_by_role("link", name="Sign up").first.click()
    page.fill("#name", "Ada")
    page.select_option("#country", "US")
    page.check("[name=of_age]")
    page.click("main button")
    page.wait_for_selector("#sign-in-key")
    assert fits(page)


def do_framed(page: Page, title: str) -> None:
    page.goto("/".join(page.url.split("/")[:3]) + "/worker/")
    assert fits(page)
    group = page.locator("#groups > li", has_text=title)
    group.get_by_role("link", name="Preview").click()
    frame = page.frame_locator("#hit-frame")
    expect(frame.locator("#s")).to_be_disabled()
    expect(frame.locator("body[data-apart=yes]")).to_have_count(1)
    page.click("#accept")
    page.wait_for_selector("#work")
    assert fits(page)
    page.frame_locator("#hit-frame").locator("#d").fill("stripes")
    page.frame_locator("#hit-frame").locator("#s").click()
    page.wait_for_selector("#done[data-state=Submitted]")


def do_form(page: Page) -> None:
    page.goto("/".join(page.url.split("/")[:3]) + "/worker/")
    page.locator("#groups > li", has_text="Form").get_by_role("button").click()
    page.click("#submit-form")
    page.wait_for_selector("#form-problems")
    assert fits(page)
    page.check("input[value=cat]")
    page.click("#submit-form")
    page.wait_for_selector("#done[data-state=Submitted]")
