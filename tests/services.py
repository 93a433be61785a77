"""A pytest plugin (`-p tests.services`) that starts the embedded services before anything reads the settings."""

import contextlib
import os
import signal
from pathlib import Path

import pytest

from annotator import embedded

_open = contextlib.ExitStack()
os.environ.setdefault("UNITSCOPE_VAR", str(Path(__file__).parent.parent / "var" / "tests"))
_open.enter_context(embedded.in_environment())
# Where static files are collected: each of the tests' clients would warn that it is absent.
(Path(os.environ["UNITSCOPE_VAR"]) / "static").mkdir(parents=True, exist_ok=True)
# A shell that starts the tests in the background lets them ignore Ctrl-C, and with them each process that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Several tests run at once. More threads than that wait for each other, and wait by counting.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A commit that waits for the disk takes 3 ms. A test that kills a process loses nothing without: the server lives on.
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")
if _worker := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
    # One Valkey database for each parallel test process; the first is the run's own.
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rsplit("/", 1)[0] + f"/{int(_worker) + 1}"


def pytest_unconfigure(config: pytest.Config) -> None:
    _open.close()
