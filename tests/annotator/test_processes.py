"""If one of the processes ends, the others are ended too, and the message names it."""

import os
import signal
from pathlib import Path

import pytest

from annotator import processes
from annotator.processes import Processes, ProcessFailed, read_procfile

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
