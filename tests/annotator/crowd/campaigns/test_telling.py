"""Notices of complete campaigns: signed, tried a bounded number of times, never sent to where only we can reach."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from annotator import posting
from annotator.accounts.models import Role
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
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import sign_in


@contextmanager
def serve(status: int = 200, location: str = "") -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A receiver of webhooks, and what it was sent."""
    taken: list[tuple[dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
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
        ("https://ada:secret@example.org/", "no password"), ("https://exa mple/", "no web address|escaped|https"),
        ("nobody", "e-mail address"), ("ada@example.org", "SMTP_HOST"), ("https://e.org/" + "x" * 500, "too long"),
    ):  # fmt: skip
        with pytest.raises(CannotTell, match=reason):
            add_notice(campaign, target)
    for place in range(MAX_TARGETS):
        add_notice(campaign, f"https://example.org/{place}")
    with pytest.raises(CannotTell, match="At most"):
        add_notice(campaign, "https://example.org/more")


INSIDE = ("127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0", "2130706433")


@pytest.mark.parametrize("host", INSIDE)
def test_nothing_is_posted_inside(host: str) -> None:
    with pytest.raises(posting.AddressRefused, match="inside a network"):
        posting.post(f"https://{host}/", b"{}", headers={})
