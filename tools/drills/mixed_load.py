"""Half an hour of people, readers, programs, dissections and campaigns at once: nothing is lost, memory stays."""

import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote, urljoin, urlsplit

import httpx
import psutil
from lxml import html

from annotator.processes import ROOT
from tools.drills.processes import N_PEOPLE, TARGETS, Installation, install, working

VAR = ROOT / "var" / "drills" / "mixed-load"
IMAGES = VAR / "set"
MINUTES = float(os.environ.get("UNITSCOPE_LOAD_MINUTES", "30"))
# Memory is compared at a sixth of the time, when everything has been used once, and at the end: after 5 and 30 minutes.
SETTLED = 1 / 6
# Allocators keep what they had at once; what grows with every request or task passes this within half an hour.
MOST_GROWTH_MB = 150
N_IMAGES, N_READERS = 80, 3
# Before a reader's next page and a person's next HIT.
PAUSE_SECONDS = 2.0
PAGES_A_VISIT = 8
LIMIT_SECONDS = 300
# Ada reads the dashboard. Prints the cookie of her session.
SIGN_IN = """
from django.contrib.auth import get_user_model
from django.test import Client
from annotator.accounts.models import Membership
ada = get_user_model().objects.create_user("ada", is_staff=True)
Membership.objects.create(user=ada, role="viewer")
client = Client()
client.force_login(ada)
print(*[f"{name}={morsel.value}" for name, morsel in client.cookies.items()])
"""
API = ("networks", "image-sets", "dissections", "campaigns", "campaigns/kills", "campaigns/kills/answers", "decisions")


@dataclass
class Load:
    """What is done beside the people of `working`, and what became of it."""

    installation: Installation
    client: httpx.Client
    stop: threading.Event = field(default_factory=threading.Event)
    answered: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    memory: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in TARGETS})

    @property
    def web(self) -> str:
        return f"http://localhost:{self.installation.environment['WEB_PORT']}"

    def repeat(self, act: Callable[[], None]) -> None:
        """Does it again and again until the end; a defect ends everything."""
        while not self.stop.is_set():
            try:
                act()
            except Exception as error:
                self.problems.append(repr(error)[:400])
                return

    def fetch(self, address: str, kind: str) -> httpx.Response:
        answer = self.client.get(address)
        assert answer.status_code == 200 or "/crops/" in address, f"{address} answered with {answer.status_code}."
        self.answered[kind] += 1
        self.stop.wait(PAUSE_SECONDS)
        return answer

    def read(self, draw: random.Random) -> None:
        """A visit of the dashboard: from the home page along links, with the pictures of each page."""
        address = f"{self.web}/"
        for _ in range(PAGES_A_VISIT):
            answer = self.fetch(address, "pages")
            if "html" not in answer.headers["Content-Type"] or self.stop.is_set():
                return
            page = html.fromstring(answer.content, base_url=str(answer.url))
            for source in page.xpath("//main//img/@src")[:2]:
                self.fetch(urljoin(str(answer.url), source), "pictures")
            links = [urljoin(str(answer.url), link) for link in page.xpath("//main//a/@href")]
            links = [link for link in links if link.startswith(self.web) and urlsplit(link).path != answer.url.path]
            if not links:
                return
            address = draw.choice(links)

    def ask(self) -> None:
        for name in API:
            self.fetch(f"{self.web}/api/{name}", "API requests")

    def manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=self.installation.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words[0]}: {done.stderr[-1000:]}"
        return done.stdout

    def ask_people(self) -> None:
        """A dissection, a campaign about its units, simulated people who answer it; the clock collects."""
        number = self.answered["campaigns"]
        network = ("--network", "torchvision:squeezenet1_1", "--layer", "features.3.expand1x1")
        made = json.loads(self.manage("dissect", *network, "--images", str(IMAGES), "--rendered", "--json"))
        name = f"round {number}"
        choice = ("--dissection", made["id"], "--top-iou", "0", "--random", "4", "--seed", str(number))
        self.manage("launch", name, *choice, "--budget", "500", "--yes")
        said = self.manage("simulate_people", name, "--images", str(IMAGES))
        found = re.search(r"submitted (\d+) assignments", said)
        assert found, said
        self._wait_for(name, int(found[1]))
        self.manage("campaign", name, "approve")
        self.answered["answers collected"] += int(found[1])
        self.answered["campaigns"] += 1

    def _wait_for(self, name: str, n_answers: int) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while (n_there := self._count_answers(name)) != n_answers:
            assert time.monotonic() < deadline, f"{n_answers} answers were submitted, {n_there} were collected."
            time.sleep(2)

    def _count_answers(self, name: str) -> int:
        """How many the web queue has collected."""
        said = self.client.get(f"{self.web}/api/campaigns/{quote(name)}").raise_for_status()
        return int(said.json()["n_answers"])

    def weigh(self) -> None:
        for name in TARGETS:
            self.memory[name].append(weigh(self.installation.find(name)))
        self.stop.wait(2)


def weigh(pid: int | None) -> int:
    """Bytes that a process and its children hold, without what PostgreSQL's share with each other."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                memory = one.memory_info()
                total += memory.rss - (memory.shared if one.name() == "postgres" else 0)
    return total


def load_everything() -> str:
    shutil.rmtree(VAR, ignore_errors=True)
    VAR.mkdir(parents=True)
    with install(VAR / "var") as installation, working(installation, pause=PAUSE_SECONDS) as crowd:
        headers = {"Cookie": installation.run(SIGN_IN).strip()}
        # The server ends a connection that was idle for 2 s; a request sent at that moment is lost.
        limits = httpx.Limits(keepalive_expiry=PAUSE_SECONDS / 2)
        with httpx.Client(headers=headers, timeout=LIMIT_SECONDS, limits=limits, follow_redirects=True) as client:
            load = Load(installation, client)
            load.manage("render_concepts", str(IMAGES), "--n", str(N_IMAGES))
            run(load)
        n_answers = len(crowd.acknowledged)
        assert not crowd.problems, crowd.problems[0]
        died = [line.strip() for line in installation.lines if "is started again" in line]
    assert not load.problems, load.problems[0]
    assert not died, died[0]
    shutil.rmtree(VAR)
    told = ", ".join(compare(name, load.memory[name]) for name in TARGETS)
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(load.answered.items()))
    return (
        f"{MINUTES:.0f} minutes: {n_answers} answers of {N_PEOPLE} people at HIT pages, 0 lost, 0 doubled; {counts}; "
        f"0 unhandled errors, nothing died. Memory after {MINUTES * SETTLED:.0f} and {MINUTES:.0f} minutes in MB (it "
        f"may grow by {MOST_GROWTH_MB}): {told}."
    )


def run(load: Load) -> None:
    """Everything at once, until the time is over or something is wrong."""
    readers = [partial(load.read, random.Random(number)) for number in range(N_READERS)]
    acts: list[Callable[[], None]] = [*readers, load.ask, load.ask_people, load.weigh]
    threads = [threading.Thread(target=load.repeat, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    while (minutes := (time.monotonic() - began) / 60) < MINUTES and not load.problems:
        time.sleep(min(30, MINUTES * 60 / 4))
        print(f"  {minutes:.1f} minutes: {dict(load.answered)}", flush=True)
    load.stop.set()
    for thread in threads:
        thread.join()


def compare(name: str, memory: list[int]) -> str:
    """Memory of the settled process beside that at the end, each the median of a thirtieth of the time."""
    window, settled = max(len(memory) // 30, 1), int(len(memory) * SETTLED)
    before = statistics.median(memory[settled : settled + window]) / 1e6
    after = statistics.median(memory[-window:]) / 1e6
    assert after - before <= MOST_GROWTH_MB, f"{name} grew from {before:.0f} to {after:.0f} MB."
    return f"{name} {before:.0f} and {after:.0f}"


DRILLS: dict[str, Callable[[], str]] = {"mixed-load": load_everything}
