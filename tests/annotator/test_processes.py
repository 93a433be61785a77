"""A process that ends while all start ends the others; later it is started again, named, and at last given up."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from annotator import processes
from annotator.processes import Processes, ProcessFailed, find_bind, read_procfile
from tests.processes import is_alive

ADDRESSES = {"dashboard": "http://localhost:9/", "sandbox_endpoint": "http://127.0.0.1:9"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "UNITSCOPE_VAR": str(tmp_path)}


def test_a_process_that_ends_while_starting_ends_the_others(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "read_procfile", lambda: {"web": "sleep 60", "gpu": "false"})
    made = Processes(environment, addresses=ADDRESSES, names=("web", "gpu"), log=tmp_path / "logs" / "all.log")
    with pytest.raises(ProcessFailed, match=r"The process gpu ended with status 1; see .*all\.log"), made:
        pytest.fail("It did not start.")
    assert made.running["web"].returncode == -signal.SIGTERM


def test_the_python_of_the_procfile_is_the_one_that_runs_this(environment: dict[str, str]) -> None:
    made = Processes(environment, addresses=ADDRESSES)
    assert made.environment["WEB_BIND"] == "localhost:9"
    assert all(command.startswith("python ") for command in read_procfile().values())
    assert (Path(made.environment["PATH"].split(os.pathsep)[0]) / "python").exists()


def look_after_until(made: Processes, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        made.look_after()
        time.sleep(0.02)


@pytest.fixture
def without_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-ins of the processes answer nobody."""
    monkeypatch.setattr(Processes, "wait", lambda _: None)


@pytest.mark.usefixtures("without_answers")
def test_a_killed_process_is_started_again_and_what_it_started_is_ended(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "read_procfile", lambda: {"gpu": "sh -c 'sleep 61 & sleep 60'", "web": "sleep 60"})
    monkeypatch.setattr(processes, "PAUSES", (0.05, 30))
    with Processes(environment, addresses=ADDRESSES, names=("gpu", "web")) as made:
        first, web = made.running["gpu"], made.running["web"]
        wait_for(lambda: len(psutil.Process(first.pid).children()) == 2)
        started = psutil.Process(first.pid).children()
        first.kill()
        look_after_until(made, lambda: made.running.get("gpu", first) is not first)
        assert made.running["gpu"].poll() is None
        assert made.running["web"] is web
        wait_for(lambda: not any(is_alive(one) for one in started))
    assert "The process gpu ended with status -9. It is started again in 0.05 s." in capfd.readouterr().err
    assert made.running["gpu"].returncode is not None


@pytest.mark.usefixtures("without_answers")
def test_a_process_that_dies_again_and_again_is_given_up(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "read_procfile", lambda: {"gpu": "false", "web": "sleep 60"})
    monkeypatch.setattr(processes, "PAUSES", (0.01, 0.02, 30))
    monkeypatch.setattr(processes.Restarts, "is_due", property(lambda self: self.due_at is not None))
    made = Processes(environment, addresses=ADDRESSES, names=("gpu", "web"))
    with pytest.raises(ProcessFailed, match="gpu ended with status 1, and was started again 3 times"), made:
        look_after_until(made, lambda: False)
    said = capfd.readouterr().err
    assert [said.count(f"again in {pause} s") for pause in ("0.01", "0.02", "30")] == [1, 1, 1]
    assert made.running["web"].returncode == -signal.SIGTERM


KEEPER = """
import os, time
from annotator import processes
processes.read_procfile = lambda: {"gpu": "sleep 60"}
processes.Processes.wait = lambda _: None
with processes.Processes(dict(os.environ), addresses=%r, names=("gpu",)) as made:
    print(made.running["gpu"].pid, flush=True)
    time.sleep(60)
"""


def test_the_processes_end_with_a_killed_supervisor(environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", KEEPER % ADDRESSES]
    with subprocess.Popen(command, cwd=processes.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout
        kept = psutil.Process(int(keeper.stdout.readline()))
        assert is_alive(kept)
        keeper.kill()
    wait_for(lambda: not is_alive(kept))


def test_nothing_is_given_up_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "free_disk", lambda _: 0)
    restarts = processes.Restarts("PostgreSQL", tmp_path)
    for _ in range(3 * len(processes.PAUSES)):
        restarts.note_death("ended")
    assert f"The disk of {tmp_path} is full: free space." in capfd.readouterr().err


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("families", "bind"),
    [
        ({socket.AF_INET: "127.0.0.1"}, "localhost:8000"),
        ({socket.AF_INET6: "::1", socket.AF_INET: "127.0.0.1"}, "localhost:8000"),
        ({socket.AF_INET6: "::1"}, "[::1]:8000"),
    ],
)
def test_a_name_that_has_an_ipv6_address_alone_is_listened_at(
    monkeypatch: pytest.MonkeyPatch, families: dict[socket.AddressFamily, str], bind: str
) -> None:
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 8000)) for family, address in families.items()]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **named: found)
    assert find_bind("http://localhost:8000") == bind


def test_a_name_without_an_address_is_said() -> None:
    with pytest.raises(ProcessFailed, match=r"nowhere\.invalid has no address on this machine: add the line"):
        find_bind("http://nowhere.invalid:8000")
