"""Notices of complete campaigns: signed, tried a bounded number of times, never sent to where only we can reach."""

import contextlib
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.db import connection

from annotator import posting
from annotator.accounts.models import AuditEntry, Role
from annotator.crowd import tasks
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.telling import (
    MAX_TARGETS,
    MAX_TRIES,
    CannotTell,
    add_notice,
    make_key,
    plan_notices,
    tell_due,
)
from annotator.crowd.models import HIT, Campaign, Notice
from annotator.work.models import Job
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import sign_in


@contextmanager
def serve(
    status: int = 200, location: str = "", during: Callable[[], None] = lambda: None
) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A receiver of webhooks, and what it was sent."""
    taken: list[tuple[dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            during()
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/done?x=1", taken
        server.shutdown()


@pytest.fixture
def inner(settings: Any) -> None:
    settings.NOTICES_MAY_BE_INTERNAL = True


@pytest.mark.django_db(transaction=True)
def test_who_asked_is_told_once_when_the_last_answer_is_in(
    market: Any, campaign: Campaign, inner: None, settings: Any, mailoutbox: Any
) -> None:
    settings.EMAIL_HOST, settings.MAIL_FROM = "mail.example.org", "unitscope@example.org"
    with serve() as (address, taken):
        notice = add_notice(campaign, address)
        add_notice(campaign, "ada@example.org")
        market.publish(campaign)
        for hit in campaign.hits.all():
            HIT.objects.filter(pk=hit.pk).update(n_assignments=1)
        for place, hit in enumerate(campaign.hits.all()):
            collect_campaign(market.open_session(campaign))
            tasks.tell()
            assert (taken, mailoutbox) == ([], []), place
            market.work(hit, "ada")
        for _ in range(2):
            collect_campaign(market.open_session(campaign))
            tasks.tell()
        ((headers, body),) = taken
    told = json.loads(body)
    assert (told["event"], told["campaign"], told["n_answers"]) == ("campaign complete", campaign.name, 4)
    signed = f"{headers['X-Unitscope-Time']}.".encode() + body
    digest = hmac.new(make_key(notice).encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Unitscope-Signature"] == f"sha256={digest}"
    (letter,) = mailoutbox
    assert letter.to == ["ada@example.org"]
    assert f"/campaigns/{campaign.name}/" in letter.body
    page = sign_in(Role.RESEARCHER).get(f"/campaigns/{campaign.name}/").content.decode()
    assert page.count("told at ") == 2


@pytest.mark.django_db
def test_a_notice_that_fails_is_tried_a_bounded_number_of_times_and_shown(campaign: Campaign, inner: None) -> None:
    with serve(status=302, location="http://127.0.0.1:9/") as (address, taken):
        add_notice(campaign, address)
        plan_notices(campaign, now=NOW)
        now, times = NOW, 0
        while (due := Notice.objects.get().next_try_at) is not None:
            assert tell_due(now=due - timedelta(seconds=1)) == 0
            now, times = due, times + 1
            assert tell_due(now=now) == 0
    assert (len(taken), times) == (MAX_TRIES, MAX_TRIES), "a redirect is no answer, and is not followed"
    assert now - NOW == timedelta(minutes=31)
    page = sign_in(Role.RESEARCHER).get(f"/campaigns/{campaign.name}/").content.decode()
    assert "127.0.0.1 answered with the status 302." in page
    assert "X-Unitscope-Signature" not in sign_in(Role.VIEWER).get(f"/campaigns/{campaign.name}/").content.decode()


@pytest.mark.django_db
def test_an_address_is_checked_before_it_is_kept(campaign: Campaign, settings: Any) -> None:
    for target, reason in (
        ("http://example.org/", "begins with https"), ("ftp://example.org/", "begins with https"),
        ("https://ada:secret@example.org/", "no password"), ("https://exa mple/", "^This is no web address"),
        ("nobody", "e-mail address"), ("ada@example.org", "SMTP_HOST"), ("https://e.org/" + "x" * 500, "too long"),
    ):  # fmt: skip
        with pytest.raises(CannotTell, match=reason):
            add_notice(campaign, target)
    for place in range(MAX_TARGETS):
        add_notice(campaign, f"https://example.org/{place}")
    with pytest.raises(CannotTell, match="At most"):
        add_notice(campaign, "https://example.org/more")


@pytest.mark.django_db(transaction=True)
def test_what_is_planned_during_a_try_is_told_in_a_try_of_its_own(campaign: Campaign, inner: None) -> None:
    later, told_meanwhile, problems = NOW + timedelta(hours=1), [], []

    def complete_again() -> None:
        problems.append(Notice.objects.get().problem)
        told_meanwhile.append(tell_due(now=later))
        if len(problems) == 1:
            plan_notices(campaign, now=later)
        else:
            Notice.objects.update(n_tries=2)  # another process claimed it
        connection.close()

    with serve(during=complete_again) as (address, taken):
        add_notice(campaign, address)
        plan_notices(campaign, now=NOW)
        assert tell_due(now=NOW) == 1
        assert (len(taken), told_meanwhile) == (1, [0]), "one process sends at a time"
        assert problems == ["This try did not end."], "what remains if the process ends here"
        notice = Notice.objects.get()
        assert (notice.n_tries, notice.next_try_at, notice.sent_at, notice.problem) == (0, later, None, "")
        assert tell_due(now=later) == 1
    notice = Notice.objects.get()
    assert (notice.next_try_at, notice.sent_at, notice.problem) == (None, later, "")


@pytest.mark.django_db
def test_who_is_added_after_the_end_reads_what_happens(campaign: Campaign, inner: None) -> None:
    researcher, address = sign_in(Role.RESEARCHER), f"/campaigns/{campaign.name}/notices/"
    Campaign.objects.update(state=Campaign.State.COMPLETE)
    page = researcher.post(address, {"target": "http://example.org/"}, follow=True).content.decode()
    assert "It is complete already: they are told if more answers are asked for" in page
    assert "told if it completes again" in page
    Campaign.objects.update(state=Campaign.State.CLOSED)
    assert (
        "The campaign is closed: it does not" in researcher.post(address, {"target": "http://e.org/"}).content.decode()
    )
    page = researcher.get(f"/campaigns/{campaign.name}/").content.decode()
    assert "not told: the campaign is closed" in page
    assert "Tell them" not in page
    notice = Notice.objects.get()
    researcher.post(address, {"end": str(notice.pk)})
    assert not Notice.objects.exists()
    told = list(AuditEntry.objects.order_by("id").values_list("action", "details"))
    assert [(name, one["notice"], one["kind"]) for name, one in told] == [
        (name, notice.pk, "web") for name in ("tell", "end-telling")
    ]
    assert "example.org" not in f"{told}{list(Job.objects.values())}"


@contextmanager
def drip(begin: bytes, again: bytes) -> Iterator[int]:
    """The port of a receiver that answers a little every 0.05 s, until nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                accepted, _ = server.accept()
                with accepted:
                    accepted.sendall(begin)
                    while True:
                        accepted.sendall(again)
                        time.sleep(0.05)

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("scheme", "begin", "again"),
    [
        ("http", b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("https", b"\x16\x03\x03\x3f\xff", b"\0"),  # a record of the handshake that does not end
    ],
)
def test_one_deadline_holds_however_slowly_the_other_side_answers(
    scheme: str, begin: bytes, again: bytes, inner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.25)
    with drip(begin, again) as port, pytest.raises(posting.NotTaken, match=r"does not answer within 0\.25 s"):
        posting.post(f"{scheme}://127.0.0.1:{port}/", b"{}", headers={})


def test_a_look_up_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait() and [])
    with pytest.raises(posting.AddressRefused, match="cannot be found"):
        posting.post("https://example.org/", b"{}", headers={})
    ended.set()


INSIDE = (
    "127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0", "2130706433",
    "[64:ff9b::7f00:1]", "[::7f00:1]", "[::ffff:0:7f00:1]", "[fec0::1]", "[2002:7f00:1::]", "unknown.invalid",
)  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_nothing_is_posted_inside(host: str) -> None:
    with pytest.raises(
        posting.AddressRefused, match=f"^{re.escape(host.strip('[]'))} cannot be found, or is inside a network"
    ):
        posting.post(f"https://{host}/", b"{}", headers={})
