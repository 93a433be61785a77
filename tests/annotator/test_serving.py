"""`make up`: four processes answer, and answer again after a kill -9; Ctrl-C leaves no process or lock behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from annotator import serving
from annotator.processes import ROOT, is_healthy
from tests.processes import command_of, is_alive, kill
from tools.apart import make_environment

COMMAND = [sys.executable, "-m", "annotator.serving"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return make_environment(tmp_path)


def processes_of(var: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("UNITSCOPE_VAR") == str(var) and is_alive(process):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(done: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def serve(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    up = subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    urls = [
        f"http://localhost:{environment['WEB_PORT']}/healthz",
        f"http://127.0.0.1:{environment['SANDBOX_PORT']}/healthz",
    ]
    try:
        wait_until(lambda: all(is_healthy(url) for url in urls) or up.poll() is not None, seconds=300)
        assert up.poll() is None
        yield up
    finally:
        up.kill()
        up.communicate()


def kill_each(var: Path) -> list[psutil.Process]:
    """As the OOM killer does: the queues, the web's parent process, and PostgreSQL."""
    of_celery = [one for one in processes_of(var) if "celery" in command_of(one)]
    of_web = {one.pid: one for one in processes_of(var) if "annotator.wsgi:application" in command_of(one)}
    children = {child.pid for one in of_web.values() for child in one.children()}
    parents = [one for number, one in of_web.items() if number not in children]
    postmaster = psutil.Process(int((var / "postgres" / "postmaster.pid").read_text().split()[0]))
    killed = [*of_celery, *parents, postmaster]
    for process in killed:
        kill(process)
    return killed


def test_the_four_answer_again_after_a_kill_and_ctrl_c_ends_everything(
    environment: dict[str, str], tmp_path: Path
) -> None:
    def of_the_procfile() -> list[str]:
        lines = [command_of(process) for process in processes_of(tmp_path)]
        return [line for line in lines if any(name in line for name in ("gunicorn", "celery"))]

    with serve(environment) as up:
        assert up.stdout
        assert any("Serving until" in line for line in up.stdout), "the queues answer as well"
        lines = of_the_procfile()
        assert len(lines) >= 4, "the four processes"
        again = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert again.returncode == 2
        assert "Something already answers" in again.stderr
        killed = kill_each(tmp_path)
        wait_until(lambda: not any(is_alive(process) for process in killed), seconds=300)
        wait_until(lambda: sorted(of_the_procfile()) == sorted(lines), seconds=300)
        web = f"http://localhost:{environment['WEB_PORT']}/healthz"
        wait_until(lambda: is_healthy(web), seconds=300)
        up.send_signal(signal.SIGINT)
        assert up.wait(180) == 0
        said = up.stdout.read()
        for name in ("The process web", "The process web-queue", "The process gpu", "PostgreSQL"):
            assert f"{name} ended" in said
    wait_until(lambda: not processes_of(tmp_path), seconds=120)
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    assert not (tmp_path / "valkey" / "address.json").exists()


def test_an_interrupted_command_cleans_up_before_serving_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "annotator").mkdir()
    (tmp_path / "annotator" / "__main__.py").write_text(
        "import pathlib, time\ntry:\n    pathlib.Path('half-made').mkdir()\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.5)\n    pathlib.Path('half-made').rmdir()\n"
    )
    monkeypatch.setattr(serving, "ROOT", tmp_path)

    def interrupt() -> None:
        if (tmp_path / "half-made").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serving._run_beside(["demo"], [interrupt])
    assert not (tmp_path / "half-made").exists()
