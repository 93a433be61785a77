"""Starts a GPU process while a command runs, if none is running. It is the same program with the same queue."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from django.conf import settings

from annotator.processes import Restarts, end_with_parent
from annotator.refusals import Refusal
from annotator.units import gpu_queue
from workers.valkey import ValkeyAway

COMMAND = ["-m", "celery", "-q", "-A", "workers.tasks", "worker", "-Q", "gpu", "--pool", "solo", "-l", "WARNING"]
# Importing torch takes 5 s of an idle core, and minutes where a dozen processes share it. One that has ended is noticed
# at once.
START_SECONDS = 600
# So long another's process may be silent before one of its own replaces it.
GONE_SECONDS = 90
STOP_SECONDS = 20


class NoGPUProcess(Refusal):
    """The GPU process could not be started, or nobody can know of one; the message says why."""


class Keeper:
    """Sees to it that some GPU process works on the queue: another's, or one of its own."""

    def __init__(self) -> None:
        self._log = settings.VAR / "logs" / "gpu.log"
        self._own: subprocess.Popen[bytes] | None = None
        self._restarts = Restarts("The GPU process", settings.VAR)
        self._seen_at = time.monotonic()

    def begin(self) -> None:
        """Returns when a GPU process answers. Raises NoGPUProcess."""
        if is_one_alive():
            return
        own = self._start()
        deadline = time.monotonic() + START_SECONDS
        while not is_one_alive():
            if own.poll() is not None or time.monotonic() > deadline:
                raise NoGPUProcess(f"The GPU process did not start; its log is {self._log}.")
            time.sleep(0.2)

    def look_after(self) -> None:
        """Starts its own process again if that ended, and one of its own if another's is gone for good.

        Call it every second or so while waiting for the queue. Raises ProcessFailed when it is given up.
        """
        if self._own is None:
            if is_any_alive():
                self._seen_at = time.monotonic()
            elif time.monotonic() - self._seen_at > GONE_SECONDS:
                self._start()
        elif self._restarts.due_at is not None:
            if self._restarts.is_due:
                self._start()
        elif self._own.poll() is not None:
            self._restarts.note_death(f"ended with status {self._own.returncode} (its log is {self._log})")

    def end(self) -> None:
        if self._own is None:
            return
        self._own.terminate()
        try:
            self._own.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._own.kill()
            self._own.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._own = subprocess.Popen(
                [sys.executable, *COMMAND], stdout=output, stderr=output, cwd=settings.BASE_DIR,
                preexec_fn=end_with_parent,
            )  # fmt: skip
        self._restarts.note_start()
        return self._own


def is_any_alive() -> bool:
    """True also while the broker is unreachable: then nobody knows, and everything waits for it."""
    try:
        return bool(gpu_queue.list_processes())
    except ValkeyAway:
        return True


def is_one_alive() -> bool:
    """Raises NoGPUProcess if Valkey, which knows, does not answer."""
    try:
        return bool(gpu_queue.list_processes())
    except ValkeyAway as away:
        raise NoGPUProcess(f"{away} Start it, then run this again.") from away


@contextlib.contextmanager
def gpu_process_if_none() -> Iterator[Keeper]:
    """Some GPU process answers at the beginning, and the keeper looks after it. Raises NoGPUProcess."""
    keeper = Keeper()
    try:
        keeper.begin()
        yield keeper
    finally:
        keeper.end()
