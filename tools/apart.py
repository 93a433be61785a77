"""The product's processes with their own data folder, services and ports, independent of others on this machine."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from annotator.processes import NAMES, ROOT, Processes, end_group

# Holds the embedded services in a process of its own, so that the environment of this one stays as it is.
HOLD_SERVICES = """
import json, os, sys
from annotator import embedded
with embedded.in_environment():
    print(json.dumps({name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}), flush=True)
    sys.stdin.read()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_environment(var: Path) -> dict[str, str]:
    """The environment of an installation whose data lies in `var`, without the services of a test run."""
    of_the_test_run = ("DATABASE_URL", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if name not in of_the_test_run}
    return {**kept, "UNITSCOPE_VAR": str(var), "WEB_PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}


@contextlib.contextmanager
def run_apart(
    var: Path, variables: Mapping[str, str] | None = None, *, names: tuple[str, ...] = NAMES
) -> Iterator[Processes]:
    """Embedded services, tables, the sandbox's account and these processes, all with their data in `var`."""
    with _services({**make_environment(var), **(variables or {})}) as environment:
        _run("-m", "annotator.serving", "--prepare", environment=environment)
        addresses = json.loads(_run("manage.py", "addresses", environment=environment))
        log = var / "logs" / "services.log"
        with Processes(environment, addresses=addresses, names=names, log=log) as processes:
            yield processes


@contextlib.contextmanager
def _services(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_SERVICES],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout
        yield environment | json.loads(holder.stdout.readline())


def _run(*words: str, environment: dict[str, str]) -> str:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def kill_and_restart(processes: Processes, name: str) -> None:
    """Ends the process and all that it started with kill -9, then runs the same command again."""
    end_group(processes.running[name], signal.SIGKILL)
    processes.running[name].wait()
    time.sleep(1)
    processes.start(name)
