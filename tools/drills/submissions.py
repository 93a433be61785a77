"""The web process is killed with -9 repeatedly while 50 people submit: each acknowledged answer is stored once."""

import contextlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from annotator.crowd.marketplaces.mturk.visits import sign_visit
from annotator.processes import ROOT, Processes
from tools.apart import kill_and_restart, run_apart
from tools.drills._pieces import run_in_pieces

FOLDER = ROOT / "var" / "drills" / "submissions"
N_PEOPLE = 50
N_KILLS = int(os.environ.get("UNITSCOPE_WEB_KILLS", "1000"))
KILLS_A_PIECE = 100
# Every 25th kill also kills the gunicorn process that forks the serving one.
KILLS_A_MASTER = 25
RETRY_SECONDS = 0.3

# Programs run on the web's database: one makes a published HIT, the other reads the stored answers.
PREPARE = """
import json, pathlib, sys
from tests.annotator.crowd.making import make_campaign, make_dissection
from annotator.crowd.models import HIT
campaign = make_campaign(make_dissection(pathlib.Path({folder!r}), n_units=1), name="kills")
HIT.objects.update(state="published")
print(campaign.hits.get().public_id)
"""
READ = """
import json
from annotator.crowd.assignments import make_receipt
from annotator.crowd.models import Assignment
rows = Assignment.objects.select_related("hit").exclude(state="started")
print(json.dumps([[row.external_id, row.answers.get().description, make_receipt(row)] for row in rows]))
"""


@dataclass
class Crowd:
    """What people were told, and the signal to stop."""

    web: str
    submit_to: str
    public_id: str
    # Of the account at our own marketplace, under which visits are signed.
    secret: str
    # Seconds before a person's next HIT.
    pause: float = 0.0
    # Assignment -> (words submitted, receipt acknowledged).
    acknowledged: dict[str, tuple[str, str]] = field(default_factory=dict)
    # Unexpected answers, which are neither an acknowledgement nor a lost connection.
    problems: list[str] = field(default_factory=list)
    # How often a request was answered with this status of 500 or above, and sent again.
    failed: Counter[int] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Repeats the request until there is an answer, as the page's script does."""
        request = urllib.request.Request(
            f"{self.web}/hit/{self.public_id}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return dict(json.loads(self._fetch(request)))

    def read_token(self, assignment_id: str, worker_id: str) -> str:
        ids = {"assignment_id": assignment_id, "worker_id": worker_id, "hit_id": ""}
        proof = sign_visit(secret=self.secret, expires=int(time.time()) + 3600, **ids)
        query = {"assignmentId": assignment_id, "workerId": worker_id, "turkSubmitTo": self.submit_to}
        query |= {"hitId": "", "visitProof": proof}
        page = self._fetch(f"{self.web}/hit/{self.public_id}/?{urlencode(query)}").decode()
        start = page.index(">", page.index('id="hit-config"')) + 1
        return str(json.loads(page[start : page.index("</script>", start)])["token"])

    def _fetch(self, request: str | urllib.request.Request) -> bytes:
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise AssertionError(f"{error.code}: {error.read()[:200]!r}") from error
                self.failed[error.code] += 1
            except (OSError, ValueError, http.client.HTTPException):
                pass
            if self.stop.wait(RETRY_SECONDS):
                raise InterruptedError

    def work(self, number: int) -> None:
        """Plays one person after another, each with one HIT, until the drill is over."""
        n = 0
        while not self.stop.is_set():
            worker_id, assignment_id = f"AKILL{number}X{n}", f"KILL{number}X{n}"
            try:
                self._submit(worker_id, assignment_id, words=f"words {number} {n}")
            except InterruptedError:
                return
            except (AssertionError, KeyError, ValueError) as problem:
                self.problems.append(repr(problem))
                return
            n += 1
            self.stop.wait(self.pause)

    def _submit(self, worker_id: str, assignment_id: str, *, words: str) -> None:
        token = self.read_token(assignment_id, worker_id)
        work = self.post("start", {"token": token, "consent": True})
        answer = {"description": words, "category": "object", "marked": [1], "active_seconds": 20}
        body = {"work_token": work["work_token"], "client_id": str(uuid.uuid4()), **answer}
        stored = self.post("submit", body)
        self.acknowledged[assignment_id] = (words, stored["receipt"])


def read_secret(var: Path) -> str:
    """The secret of the installation's own account at its marketplace."""
    return (var / "secrets" / "OWN_SECRET_ACCESS_KEY").read_text().strip()


def drill_submissions() -> str:
    """Runs in parts, each with a new database; finished parts are stored."""
    kept = run_in_pieces(FOLDER / "pieces.json", total=N_KILLS, size=KILLS_A_PIECE, run=_kill_during_submissions)
    return f"{N_KILLS} kills of the web process, {N_PEOPLE} people: {sum(kept)} acknowledged answers, each there once."


def _kill_during_submissions(first: int, n_kills: int) -> int:
    """How many answers were acknowledged, each of them found once."""
    var = FOLDER / "var"
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir()
    # The process that serves is forked from one that has loaded everything, so that its successor starts at once.
    preload = "--preload --config python:tools.drills._warm"
    with run_apart(var, {"GUNICORN_CMD_ARGS": preload}, names=("web",)) as processes:
        public_id = run_program(processes, PREPARE.format(folder=str(var))).strip()
        crowd = Crowd(
            web=processes.urls["web"],
            submit_to=processes.addresses["sandbox_endpoint"].rstrip("/"),
            public_id=public_id,
            secret=read_secret(var),
        )
        threads = [threading.Thread(target=crowd.work, args=(number,)) for number in range(N_PEOPLE)]
        for thread in threads:
            thread.start()
        try:
            _kill(processes, crowd, n_kills=n_kills, seed=first)
        finally:
            crowd.stop.set()
            for thread in threads:
                thread.join()
        stored = json.loads(run_program(processes, READ))
    shutil.rmtree(var)
    n_answers = check_answers(crowd, stored)
    print(f"  kills {first} to {first + n_kills - 1}: {n_answers} acknowledged answers", flush=True)
    return n_answers


def _kill(processes: Processes, crowd: Crowd, *, n_kills: int, seed: int) -> None:
    """Kills at seeded moments, after somebody was answered since the last kill. Every 25th kill ends gunicorn too."""
    draw = random.Random(seed)
    n_before = 0
    for number in range(n_kills):
        crowd.stop.wait(draw.uniform(0.02, 0.5))
        while len(crowd.acknowledged) == n_before:
            assert not crowd.problems, crowd.problems[0]
            crowd.stop.wait(0.01)
        n_before = len(crowd.acknowledged)
        if number % KILLS_A_MASTER == KILLS_A_MASTER - 1:
            kill_and_restart(processes, "web")
        else:
            for child in psutil.Process(processes.running["web"].pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended by itself
                    child.kill()


def check_answers(crowd: Crowd, stored: list[list[str]]) -> int:
    """How many answers were acknowledged; each of them is stored once, and none is stored twice."""
    there: dict[str, list[tuple[str, str]]] = {}
    for assignment_id, words, receipt in stored:
        there.setdefault(assignment_id, []).append((words, receipt))
    for assignment_id, told in crowd.acknowledged.items():
        assert there.get(assignment_id) == [told], (assignment_id, told, there.get(assignment_id))
    assert all(len(rows) == 1 for rows in there.values())
    assert not crowd.problems, crowd.problems[0]
    return len(crowd.acknowledged)


def run_program(processes: Processes, program: str) -> str:
    """What a program prints that uses the database of the processes."""
    setup = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'annotator.settings'; django.setup()\n"
    done = subprocess.run(
        [sys.executable, "-c", setup + program],
        cwd=ROOT, env=processes.environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


DRILLS: dict[str, Callable[[], str]] = {"web-kills-during-submissions": drill_submissions}
