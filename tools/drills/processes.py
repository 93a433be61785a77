"""Each process of `make up`, and each service, is killed with -9 in turn while people submit answers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis

from annotator import embedded
from annotator.processes import ROOT, count_queues, is_healthy
from tools.apart import make_environment
from tools.drills._pieces import run_in_pieces
from tools.drills.submissions import PREPARE, READ, Crowd, check_answers, read_secret

VAR = ROOT / "var" / "drills" / "processes"
N_KILLS = int(os.environ.get("UNITSCOPE_PROCESS_KILLS", "50"))
KILLS_A_PIECE = 5
N_PEOPLE = 8
# Before a person's next HIT: the machine is not busy with them alone.
PAUSE_SECONDS = 0.5
WHO = f"{N_PEOPLE} people who pause {PAUSE_SECONDS} s between HITs"
# Pauses between restarts grow to a minute; after that long nobody may still wait.
LIMIT_SECONDS = 600
# What stands in the command line of the process.
COMMANDS = {
    "web": "annotator.wsgi:application",
    "sandbox": "annotator.sandbox.wsgi:application",
    "web-queue": "-A annotator.celery",
    "gpu": "-A workers.tasks",
}
TARGETS = (*COMMANDS, "PostgreSQL", "Valkey")
WITHIN = """
import os
from annotator import embedded
with embedded.in_environment():
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotator.settings"
    import django
    django.setup()
"""


@dataclass
class Installation:
    """`make up` with its own data in `var`; what it prints is read as it comes."""

    var: Path
    environment: dict[str, str]
    up: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.up.stdout
        self.lines.extend(self.up.stdout)

    def run(self, program: str) -> str:
        """What a program prints that uses the installation's database."""
        within = WITHIN + "".join(f"    {line}\n" for line in program.strip().splitlines())
        done = subprocess.run(
            [sys.executable, "-c", within], cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def answers(self) -> bool:
        """True if both addresses and both queues answer."""
        web, sandbox = self.environment["WEB_PORT"], self.environment["SANDBOX_PORT"]
        if not (is_healthy(f"http://localhost:{web}/healthz") and is_healthy(f"http://127.0.0.1:{sandbox}/healthz")):
            return False
        try:
            return count_queues(self.valkey_url(), at_most=2, seconds=5) == 2
        except (OSError, redis.RedisError):
            return False

    def valkey_url(self) -> str:
        return embedded.VALKEY_URL.format(**json.loads((self.var / "valkey" / "address.json").read_text()))

    def find(self, name: str) -> int | None:
        """The number of the process; None while there is none."""
        try:
            if name == "PostgreSQL":
                return int((self.var / "postgres" / "postmaster.pid").read_text().split()[0])
            if name == "Valkey":
                with redis.Redis.from_url(self.valkey_url()) as client:
                    return int(client.info("server")["process_id"])
        except (OSError, ValueError, IndexError, redis.RedisError):
            return None
        for one in psutil.Process(self.up.pid).children():
            with suppress(psutil.Error):  # it may end while it is looked at
                if COMMANDS[name] in " ".join(one.cmdline()):
                    return int(one.pid)
        return None

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not done():
            assert self.up.poll() is None, f"make up ended while {what}: {''.join(self.lines[-5:])}"
            assert time.monotonic() < deadline, f"Stuck: {what} is not true after {LIMIT_SECONDS} s."
            time.sleep(0.2)


@contextmanager
def install(var: Path, **variables: str) -> Iterator[Installation]:
    """In an empty folder, which stays."""
    environment = make_environment(var) | variables
    command = [sys.executable, "-m", "annotator.serving"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as up:
        installation = Installation(var, environment, up)
        reading = threading.Thread(target=installation.read)
        reading.start()
        try:
            installation.wait_until(lambda: any("Serving until" in line for line in installation.lines), "it serves")
            yield installation
        finally:
            status = end(installation)
            reading.join()
    assert status == 0, f"make up ended with status {status}: {''.join(installation.lines[-5:])}"


def end(installation: Installation) -> int:
    """The status with which it ends after Ctrl-C; killed if it does not end. What ended the drill stays the reason."""
    installation.up.send_signal(signal.SIGINT)
    try:
        return installation.up.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        installation.up.kill()
        status = installation.up.wait()
        with suppress(subprocess.CalledProcessError):
            installation.run("")  # the last one who lets go of the services stops them
        return status


@contextmanager
def working(installation: Installation, *, pause: float = PAUSE_SECONDS) -> Iterator[Crowd]:
    """People who submit answers to one HIT meanwhile; at the end each acknowledged answer is there once."""
    public_id = installation.run(PREPARE.format(folder=str(installation.var))).strip()
    ports = installation.environment
    crowd = Crowd(
        web=f"http://localhost:{ports['WEB_PORT']}",
        submit_to=f"http://127.0.0.1:{ports['SANDBOX_PORT']}",
        public_id=public_id,
        secret=read_secret(installation.var),
        pause=pause,
    )
    people = [threading.Thread(target=crowd.work, args=(number,)) for number in range(N_PEOPLE)]
    for person in people:
        person.start()
    try:
        yield crowd
    finally:
        crowd.stop.set()
        for person in people:
            person.join()
    check_answers(crowd, json.loads(installation.run(READ)))
    assert not crowd.failed[500], f"{crowd.failed[500]} requests were answered with status 500: unhandled errors."


def kill_each() -> str:
    """Runs in parts, each with a new installation; finished parts are stored."""
    kept = run_in_pieces(VAR / "pieces.json", total=N_KILLS, size=KILLS_A_PIECE, run=kill_in_turn)
    n_answers, n_refused = (sum(piece[key] for piece in kept) for key in ("answers", "refused"))
    waits = ", ".join(f"{name} {max(piece[name] for piece in kept):.0f} s" for name in TARGETS)
    return (
        f"{N_KILLS} kills of each of {len(TARGETS)} processes, {WHO}: {n_answers:.0f} acknowledged answers, 0 lost, "
        f"0 doubled, 0 stuck, 0 unhandled errors ({n_refused:.0f} requests were refused and sent again); longest time "
        f"until all answered: {waits}."
    )


def kill_in_turn(first: int, n_kills: int) -> dict[str, float]:
    """Acknowledged answers, refused requests, and for each process the longest time until all answered, in seconds."""
    slowest = dict.fromkeys(TARGETS, 0.0)
    var = VAR / "var"
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir()
    with install(var) as installation, working(installation) as crowd:
        for number in range(first, first + n_kills):
            for name in TARGETS:
                slowest[name] = max(slowest[name], kill(installation, crowd, name))
            print(f"  round {number + 1}: {len(crowd.acknowledged)} acknowledged answers", flush=True)
    shutil.rmtree(var)
    return slowest | {"answers": len(crowd.acknowledged), "refused": sum(crowd.failed.values())}


def kill(installation: Installation, crowd: Crowd, name: str) -> float:
    """Seconds until the process has a successor, everything answers, and somebody's answer has been acknowledged."""
    before = installation.find(name)
    assert before is not None, f"There is no {name}."
    began = time.monotonic()
    psutil.Process(before).kill()
    installation.wait_until(lambda: installation.find(name) not in (None, before), f"{name} lives again")
    installation.wait_until(installation.answers, f"everything answers after {name} was killed")
    wait_for_answer(installation, crowd, f"after {name} was killed")
    return time.monotonic() - began


def wait_for_answer(installation: Installation, crowd: Crowd, when: str) -> None:
    """Until somebody's answer has been acknowledged."""
    n_before = len(crowd.acknowledged)

    def is_acknowledged() -> bool:
        assert not crowd.problems, crowd.problems[0]
        return len(crowd.acknowledged) > n_before

    installation.wait_until(is_acknowledged, f"an answer is acknowledged {when}")


DRILLS: dict[str, Callable[[], str]] = {"each-process-killed": kill_each}
