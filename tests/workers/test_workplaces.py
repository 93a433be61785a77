"""What a killed or interrupted command leaves: no folder, no process of its pool."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from annotator.demo.pictures.rendering import render_set
from workers.workplaces import PREFIX, open_workplace

RENDER = (
    "import sys; from pathlib import Path; from annotator.demo.pictures.rendering import render_set\n"
    "render_set(folder=Path(sys.argv[1]), n_images=100_000, seed=1, n_jobs=2)\n"
)


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def rendering(target: Path) -> Iterator[tuple["subprocess.Popen[bytes]", list[psutil.Process]]]:
    """A command that draws with two processes of its own."""
    with subprocess.Popen([sys.executable, "-c", RENDER, str(target)], stderr=subprocess.DEVNULL) as command:
        try:
            wait_until(lambda: list(target.parent.glob(f"{PREFIX}*/images/*/*.jpg")))
            drawing = psutil.Process(command.pid)
            wait_until(lambda: len(drawing.children()) == 2)
            yield command, drawing.children()
        finally:
            command.kill()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_command_leaves_no_process_and_no_folder(kind: signal.Signals, tmp_path: Path) -> None:
    target = tmp_path / "set"
    with rendering(target) as (command, pool):
        command.send_signal(kind)
        command.wait(60)
    gone, alive = psutil.wait_procs(pool, timeout=60)
    assert (len(gone), alive) == (2, [])
    if kind == signal.SIGKILL:  # swept by the next one
        assert len(list(tmp_path.iterdir())) == 1
        other = tmp_path / "a set of another name"
        render_set(folder=other, n_images=1, seed=1, n_jobs=1)
        assert list(tmp_path.iterdir()) == [other]
    else:
        assert list(tmp_path.iterdir()) == []


def test_a_folder_in_which_somebody_works_and_folders_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / ".set.notes").mkdir()
    (tmp_path / ".other.01234567").mkdir()
    with open_workplace(tmp_path / "set") as first, open_workplace(tmp_path / "set") as second:
        assert first.is_dir()
        assert second.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {".set.notes", ".other.01234567"}
