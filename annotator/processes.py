"""Runs the Procfile's processes on this machine, each in its own process group, for the length of a `with` block."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from annotator.refusals import Refusal
from workers.engine.plurals import say_count
from workers.free_space import free_disk

ROOT = Path(__file__).resolve().parent.parent
# In a checkout, and in an installed package.
PROCFILES = (ROOT / "Procfile", Path(__file__).with_name("Procfile"))
NAMES = ("web", "sandbox", "web-queue", "gpu")
# The processes that answer at an address, and the name of that address in `manage.py addresses`.
ADDRESSES = {"web": "dashboard", "sandbox": "sandbox_endpoint"}
# Long, since a busy machine takes minutes to import torch. One that has ended is noticed at once.
START_SECONDS = 600
STOP_SECONDS = 40
# A process that died is started again after these seconds; when they are used up, it is given up. One that has lived
# as long as the longest pause starts again with the first of them.
PAUSES = (1, 2, 4, 8, 15, 30, 60, 60)
# Below this nothing that writes can live: it is started again until there is space.
LEAST_FREE_BYTES = 64_000_000
# Linux, prctl(2).
PR_SET_PDEATHSIG = 1


class ProcessFailed(Refusal):
    """A process ended or did not answer in time; the message names it."""


@dataclass
class Restarts:
    """When something that died is started again. Raises ProcessFailed in `note_death` when the pauses are used up."""

    name: str
    folder: Path
    tried: int = 0
    started_at: float = field(default_factory=time.monotonic)
    due_at: float | None = None

    def note_death(self, how: str) -> None:
        """Says it on stderr, and sets `due_at`."""
        now = time.monotonic()
        if now - self.started_at >= PAUSES[-1]:
            self.tried = 0
        full = free_disk(self.folder) < LEAST_FREE_BYTES
        if self.tried == len(PAUSES) and not full:
            raise ProcessFailed(
                f"{self.name} {how}, and was started again {say_count(self.tried, 'time')}; it is given up."
            )
        pause = PAUSES[min(self.tried, len(PAUSES) - 1)]
        why = f" The disk of {self.folder} is full: free space." if full else ""
        print(f"{self.name} {how}. It is started again in {pause} s.{why}", file=sys.stderr, flush=True)
        self.tried, self.due_at = min(self.tried + 1, len(PAUSES)), now + pause

    @property
    def is_due(self) -> bool:
        return self.due_at is not None and time.monotonic() >= self.due_at

    def note_start(self) -> None:
        self.started_at, self.due_at = time.monotonic(), None


class Processes:
    """Some of the Procfile's processes; `running` holds them by name.

    environment: must set DATABASE_URL, REDIS_URL and UNITSCOPE_VAR.
    addresses: what `manage.py addresses` prints in that environment.
    log: the file that all of them append to; None: they write where this process writes.
    asked_to_end: checked while waiting for answers; if it is set, KeyboardInterrupt is raised.
    Start them in the main thread: on Linux the system ends a process when the thread that started it ends.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        addresses: Mapping[str, str],
        names: tuple[str, ...] = NAMES,
        log: Path | None = None,
        asked_to_end: threading.Event | None = None,
    ) -> None:
        self.addresses = addresses
        self.urls = {name: addresses[key].rstrip("/") for name, key in ADDRESSES.items() if name in names}
        self.environment = {
            # Celery and whitenoise warn about root and about folders that only a deployment has.
            "PYTHONWARNINGS": "ignore",
            "PYTHONUNBUFFERED": "1",
            "WEB_BIND": find_bind(addresses["dashboard"]),
            "SANDBOX_BIND": find_bind(addresses["sandbox_endpoint"]),
            **environment,
            # The Procfile says `python`: the one that runs this.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}",
        }
        self.names = names
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        folder = Path(environment["UNITSCOPE_VAR"])
        self._restarts = {name: Restarts(f"The process {name}", folder) for name in names}
        self._commands = read_procfile()
        self._log = log
        self._asked_to_end = asked_to_end or threading.Event()

    def __enter__(self) -> Self:
        try:
            for name in self.names:
                self.start(name)
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running.values():
            end_group(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                end_group(process, signal.SIGKILL)
                process.wait()

    def start(self, name: str) -> None:
        """Starts one process, and returns before it answers."""
        if self._log:
            self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") if self._log else nullcontext() as output:
            self.running[name] = subprocess.Popen(  # noqa: S602  the Procfile's lines are shell commands
                f"exec {self._commands[name]}", shell=True, cwd=ROOT, env=self.environment,
                stdout=output, stderr=output, start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        self._restarts[name].note_start()

    def wait(self) -> None:
        """Returns when all of them answer. Raises ProcessFailed, KeyboardInterrupt."""
        deadline = time.monotonic() + START_SECONDS
        while missing := self._find_missing():
            if self._asked_to_end.is_set():
                raise KeyboardInterrupt
            self.check()
            if time.monotonic() > deadline:
                raise ProcessFailed(f"No answer from {', '.join(missing)} within {START_SECONDS} s.")
            time.sleep(0.1)

    def look_after(self) -> None:
        """Starts again what has ended, after a pause that grows. Raises ProcessFailed when it is given up.

        Call it every second or so, in the main thread.
        """
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                del self.running[name]
                # What it started may have outlived it, and would hold its port.
                end_group(process, signal.SIGKILL)
                self._restarts[name].note_death(f"ended with status {process.returncode}")
        for name, restarts in self._restarts.items():
            if restarts.is_due:
                self.start(name)

    def check(self) -> None:
        """Raises ProcessFailed if one of them has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                where = f"see {self._log}" if self._log else "see its output above"
                raise ProcessFailed(f"The process {name} ended with status {process.returncode}; {where}.")

    def _find_missing(self) -> list[str]:
        """The names of those that do not answer. The queues are asked only when all addresses answer."""
        missing = [name for name, url in self.urls.items() if not is_healthy(f"{url}/healthz")]
        queues = [name for name in self.names if name not in ADDRESSES]
        if missing or not queues:
            return missing
        n_answering = count_queues(self.environment["REDIS_URL"], at_most=len(queues))
        return queues if n_answering < len(queues) else []


def read_procfile() -> dict[str, str]:
    """The command line of each process, by name."""
    path = next(one for one in PROCFILES if one.exists())
    return dict(line.split(": ", 1) for line in path.read_text().splitlines() if line)


def find_bind(url: str) -> str:
    """Where a server listens to answer at this address; for gunicorn a name is one of IPv4. Raises ProcessFailed."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        found = {family: at[0] for family, *_, at in socket.getaddrinfo(host, parts.port, type=socket.SOCK_STREAM)}
    except socket.gaierror:
        sentence = f"{host} has no address on this machine: add the line `127.0.0.1 {host}` to /etc/hosts."
        raise ProcessFailed(sentence) from None
    has_only_ipv6 = socket.AF_INET6 in found and socket.AF_INET not in found
    return f"[{found[socket.AF_INET6]}]:{parts.port}" if has_only_ipv6 else parts.netloc


def is_healthy(url: str, *, host: str | None = None) -> bool:
    """True if the address answers with status 200. `host`: asked under this name instead of the address's."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})  # noqa: S310  from our settings
    try:
        with urllib.request.urlopen(request, timeout=4) as reply:  # noqa: S310
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def count_queues(broker_url: str, *, at_most: int, seconds: float = 1) -> int:
    """How many Celery workers answer at this broker within this time; returns as soon as `at_most` have answered."""
    from celery import Celery

    with Celery(broker=broker_url, set_as_current=False) as app:
        return len(app.control.ping(timeout=seconds, limit=at_most) or [])


def end_group(process: "subprocess.Popen[bytes]", kind: signal.Signals) -> None:
    """Sends the signal to the process and to all processes that it started, also if it has just ended itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, kind)


def end_with_parent() -> None:
    """Run in the child: if the parent is killed with -9, nobody else stops the child."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
