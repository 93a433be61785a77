"""`make up`: four processes answer, and Ctrl-C ends all of them and leaves no process or lock behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from annotator import serving
from tests.flows.conftest import ROOT
from tests.processes import free_port


def processes_of(var: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("UNITSCOPE_VAR") == str(var) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(done: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    web, sandbox = free_port(), free_port()
    environment = {
        **os.environ, "UNITSCOPE_VAR": str(tmp_path), "WEB_PORT": str(web), "SANDBOX_PORT": str(sandbox)
    }  # fmt: skip
    for of_the_test_run in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(of_the_test_run, None)
    up = subprocess.Popen(
        [sys.executable, "-m", "annotator.serving"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        urls = [f"http://localhost:{web}/healthz", f"http://127.0.0.1:{sandbox}/healthz"]
        wait_until(lambda: all(serving.is_healthy(url) for url in urls) or up.poll() is not None, seconds=180)
        assert up.poll() is None
        assert len(processes_of(tmp_path)) >= 6, "serving, honcho and its four"
        again = subprocess.run(
            [sys.executable, "-m", "annotator.serving"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert again.returncode == 2
        assert "Something already answers" in again.stderr
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0
    finally:
        up.kill()
        up.communicate()
    wait_until(lambda: not processes_of(tmp_path), seconds=20)
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    assert not (tmp_path / "valkey" / "address.json").exists()
