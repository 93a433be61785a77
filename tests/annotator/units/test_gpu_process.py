"""`manage.py dissect` starts a GPU process again that died, and ends in words if it cannot live: it never waits for
nobody.

A small program stands in for the GPU process; it leaves a mark each time it begins.
"""

import functools
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from annotator import processes
from annotator.units import gpu_process, gpu_queue
from annotator.units.gpu_queue import GPUProcess
from annotator.units.models import Dissection
from workers.valkey import ValkeyAway

PATIENCE_SECONDS = 60


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """One line per start of the program, which then dies at once. It counts as answering from its first start on."""
    marks = tmp_path / "marks"
    settings.VAR = tmp_path
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    program = f"import os; open({str(marks)!r}, 'a').write('began\\n'); os._exit(3)"
    monkeypatch.setattr(gpu_process, "COMMAND", ["-c", program])
    alive = [GPUProcess("made", "cpu", 0.0)]
    monkeypatch.setattr(gpu_queue, "list_processes", lambda: alive if marks.exists() else [])
    return marks


def count(marks: Path) -> int:
    return len(marks.read_text().splitlines()) if marks.exists() else 0


def wait_for(marks: Path, n: int, keeper: gpu_process.Keeper) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while count(marks) < n:
        assert time.monotonic() < deadline, "it was not started again"
        keeper.look_after()
        time.sleep(0.02)


def test_a_gpu_process_that_died_is_started_again(
    marks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "PAUSES", (0, 0, 0, 1000))
    with gpu_process.gpu_process_if_none() as keeper:
        wait_for(marks, 3, keeper)
    assert "The GPU process ended with status 3 (its log is " in capsys.readouterr().err


def test_anothers_gpu_process_that_is_gone_for_good_is_replaced(marks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks.touch()
    with gpu_process.gpu_process_if_none() as keeper:
        keeper.look_after()
        assert count(marks) == 0, "the other one answers"
        monkeypatch.setattr(gpu_queue, "list_processes", list)
        keeper.look_after()
        assert keeper._own is None, "who starts it again has some time for it"
        monkeypatch.setattr(gpu_process, "GONE_SECONDS", 0)

        def fail() -> None:
            raise ValkeyAway

        with monkeypatch.context() as unreachable:
            unreachable.setattr(gpu_queue, "list_processes", fail)
            keeper.look_after()
        assert keeper._own is None, "nobody knows while the broker is unreachable"
        wait_for(marks, 1, keeper)


@pytest.mark.django_db(transaction=True)
def test_a_dissection_whose_gpu_process_cannot_live_ends_in_words(
    marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = functools.partial(processes.Restarts, tried=len(processes.PAUSES))
    monkeypatch.setattr(gpu_process, "Restarts", given_up)
    (tmp_path / "images").mkdir()
    with pytest.raises(CommandError) as refused:
        call_command(
            "dissect", "--network", "torchvision:alexnet", "--layer", "features.1",
            "--images", str(tmp_path / "images"),
        )  # fmt: skip
    assert "The GPU process ended with status 3" in str(refused.value)
    dissection = Dissection.objects.get()
    assert str(refused.value).endswith(f"it is given up. Go on with --resume {dissection.id}.")
    assert dissection.state == Dissection.State.RUNNING, "it can be resumed"
