"""The Procfile's processes started one by one, so that a test can kill one with -9 and start it again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from annotator import serving

ROOT = Path(__file__).parent.parent
START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Processes:
    """Embedded services, tables, the sandbox's account, and the four processes, for the length of a `with` block.

    `environment` names UNITSCOPE_VAR, WEB_PORT and SANDBOX_PORT; with DATABASE_URL and REDIS_URL in it those are used.
    """

    def __init__(
        self, environment: dict[str, str], *, only: tuple[str, ...] = ("web", "sandbox", "web-queue", "gpu")
    ) -> None:
        self.environment = dict(environment)
        self.only = only
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._keeper: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Processes":
        try:
            self._keep_services()
            subprocess.run(
                [sys.executable, "-m", "annotator.serving", "--prepare"], cwd=ROOT, env=self.environment, check=True
            )
            addresses = json.loads(
                subprocess.run(
                    [sys.executable, "manage.py", "addresses"],
                    cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True,
                ).stdout
            )  # fmt: skip
            self.addresses: dict[str, str] = addresses
            var = Path(self.environment["UNITSCOPE_VAR"])
            self.environment |= {
                "WEB_BIND": urlsplit(addresses["dashboard"]).netloc,
                "SANDBOX_BIND": urlsplit(addresses["sandbox_endpoint"]).netloc,
                "BEAT_SCHEDULE": str(var / "beat-schedule"),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            }
            self.commands = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
            for name in self.only:
                self.start(name)
            self.wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.running.values():
            _end_group(process, signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                _end_group(process, signal.SIGKILL)
                process.wait()
        if self._keeper:
            assert self._keeper.stdin
            self._keeper.stdin.close()
            self._keeper.wait(60)
            if self._keeper.stdout:
                self._keeper.stdout.close()

    def _keep_services(self) -> None:
        """A process of its own holds the embedded services, so that this one's environment stays as it is."""
        if "DATABASE_URL" in self.environment and "REDIS_URL" in self.environment:
            return
        program = (
            "import os, sys, json; from annotator import embedded\n"
            "with embedded.in_environment():\n"
            "    print(json.dumps([os.environ['DATABASE_URL'], os.environ['REDIS_URL']]), flush=True)\n"
            "    sys.stdin.read()\n"
        )
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._keeper.stdout
        database, broker = json.loads(self._keeper.stdout.readline())
        self.environment |= {"DATABASE_URL": database, "REDIS_URL": broker}

    def start(self, name: str) -> None:
        log = Path(self.environment["UNITSCOPE_VAR"]) / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.running[name] = subprocess.Popen(
                f"exec {self.commands[name]}", shell=True, cwd=ROOT, env=self.environment,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def wait(self) -> None:
        urls = {"web": self.addresses["dashboard"], "sandbox": self.addresses["sandbox_endpoint"]}
        waiting = {f"{urls[name].rstrip('/')}/healthz" for name in self.only if name in urls}
        deadline = time.monotonic() + START_SECONDS
        while waiting:
            assert time.monotonic() < deadline, f"No answer from {waiting}."
            waiting = {url for url in waiting if not serving.is_healthy(url)}
            time.sleep(0.1)

    def kill_and_restart(self, name: str) -> None:
        """kill -9 of the whole process group, then the same command again."""
        _end_group(self.running[name], signal.SIGKILL)
        self.running[name].wait()
        time.sleep(1)
        self.start(name)


def _end_group(process: "subprocess.Popen[bytes]", kind: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, kind)
