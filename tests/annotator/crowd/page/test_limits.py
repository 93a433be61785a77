"""How often a page may be opened and started, and how many forged visits leave rows: others stop nobody's work."""

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotator.crowd.models import ANSWERED, HIT, Assignment, Campaign, Worker
from annotator.crowd.page import limits
from tests.annotator.crowd.fixtures import Visitor, read_config

pytestmark = pytest.mark.django_db(transaction=True)
N_FORGED = int(os.environ.get("UNITSCOPE_FORGED_VISITS", "24"))


def test_many_forged_visits_gain_nothing_make_few_rows_and_stop_nobody(campaign: Campaign, hit: HIT) -> None:
    """From many addresses, with invented ids and with a real person's, on one HIT, while that person works on it."""
    person = Visitor(hit)
    token = person.start()["work_token"]
    person.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "lamp", "marked": [3]}})
    draw, codes = random.Random(11), Counter[int]()
    for number in range(N_FORGED):
        ids = {"assignment_id": draw.choice([person.assignment_id, f"I{number}"])}
        ids |= {"worker_id": draw.choice([person.worker_id, f"AW{number}"])}
        codes.update(attack(Visitor(hit, **ids), address=f"10.0.{draw.randrange(8)}.{draw.randrange(8)}"))
    assert set(codes) <= {200, 429}, codes
    claims = Assignment.objects.exclude(visit_key="")
    assert 0 < claims.count() <= limits.PER_HIT["start"][0]
    assert Worker.objects.count() == 1
    work = person.start(consent=False)
    assert (work["draft"]["description"], work["draft"]["marked"], work["revision"]) == ("lamp", [3], 1)
    assert person.submit(work["work_token"]).json()["state"] == "stored"
    assert Assignment.objects.filter(state__in=ANSWERED).count() == 1
    newcomer = Visitor(hit, assignment_id="ASSIGNMENT2", worker_id="AWORKER2")
    assert newcomer.submit(newcomer.start()["work_token"]).json()["state"] == "stored"


def attack(visitor: Visitor, *, address: str) -> list[int]:
    """Opens, starts and submits without a proof, as far as the page lets it. The status of each request."""
    forged = visitor.forge()
    forged.client = Client(REMOTE_ADDR=address)
    page = forged.open()
    codes = [page.status_code]
    if page.status_code == 200:
        body = {"token": read_config(page)["token"], "consent": True, "secret": forged.secret}
        started = forged.post("start", body)
        codes.append(started.status_code)
        if started.status_code == 200:
            assert started.json()["draft"].get("description", "") == ""
            codes.append(forged.submit(started.json()["work_token"]).status_code)
    return codes


def test_what_many_addresses_forge_is_bounded_by_the_database_without_valkey(
    hit: HIT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_count", lambda name, seconds: 0)
    monkeypatch.setitem(limits.PER_HIT, "start", (5, 3600))
    forged_at(hit, n=9)
    assert Assignment.objects.count() == 5


def test_a_few_addresses_do_not_shut_a_hit(hit: HIT, monkeypatch: pytest.MonkeyPatch) -> None:
    """They submit rubbish, start as often as they may, and open the page as often as they may; all limits are a third
    of what they are.
    """
    for limit in (limits.PER_ADDRESS, limits.PER_HIT, limits.PER_ADDRESS_AND_HIT):
        for act, (times, seconds) in limit.items():
            monkeypatch.setitem(limit, act, (times // 3, seconds))
    for name in ("SUBMITS_PER_ADDRESS", "SUBMITS_PER_ROW"):
        times, seconds = getattr(limits, name)
        monkeypatch.setattr(limits, name, (times // 3, seconds))
    for number in range(6):
        junk = Visitor(hit, assignment_id=f"JUNK{number}", worker_id="AJUNK").forge()
        junk.client = Client(REMOTE_ADDR=f"10.9.{number}.1")
        token = junk.start()["work_token"]
        body = {"work_token": token, "client_id": junk.client_id}
        assert {junk.post("submit", body).status_code for _ in range(12)} <= {422, 429}
        for again in range(7):
            one = replace(junk, assignment_id=f"J{number}x{again}")
            one.client = junk.client
            one.start()
    person = Visitor(hit).forge()
    person.client = Client(REMOTE_ADDR="192.0.2.7")
    assert person.submit(person.start()["work_token"]).json()["state"] == "stored"


def test_the_wait_that_is_told_is_the_true_one(hit: HIT) -> None:
    now = timezone.now().replace(minute=20, second=0)
    for _ in range(limits.PER_ADDRESS_AND_HIT["start"][0]):
        limits.check_limits("start", hit=hit, network="192.0.2.7", now=now)
    with pytest.raises(limits.TooMany, match=r"You can go on in (\d+) (minute|second)s?\.") as caught:
        limits.check_limits("start", hit=hit, network="192.0.2.7", now=now)
    n, unit = str(caught.value).split()[-2:]
    wait = timedelta(seconds=int(n) * (60 if unit.startswith("minute") else 1))
    limits.check_limits("start", hit=hit, network="192.0.2.7", now=now + wait)
    with pytest.raises(limits.TooMany):
        limits.check_limits("start", hit=hit, network="192.0.2.7", now=now + wait / 2)


def forged_at(hit: HIT, *, n: int) -> list[int]:
    """The status of each forged start."""
    codes = []
    for number in range(n):
        one = Visitor(hit, assignment_id=f"I{number}", worker_id=f"AW{number}", is_signed=False, secret=f"{number:032}")
        page = one.open()
        if page.status_code != 200:
            codes.append(page.status_code)
            continue
        token = one.config()["token"]
        codes.append(one.post("start", {"token": token, "consent": True, "secret": one.secret}).status_code)
    return codes
