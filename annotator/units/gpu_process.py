"""Starts a GPU process while a command runs, if none is running. It is the same program with the same queue."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from django.conf import settings

from annotator.processes import end_with_parent
from annotator.refusals import Refusal
from annotator.units import gpu_queue

COMMAND = ["-m", "celery", "-q", "-A", "workers.tasks", "worker", "-Q", "gpu", "--pool", "solo", "-l", "WARNING"]
START_SECONDS = 90


class NoGPUProcess(Refusal):
    """The GPU process could not be started; the message names its log."""


@contextlib.contextmanager
def gpu_process_if_none() -> Iterator[None]:
    if gpu_queue.list_processes():
        yield
        return
    log = settings.VAR / "logs" / "gpu.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *COMMAND], stdout=output, stderr=output, cwd=settings.BASE_DIR, preexec_fn=end_with_parent
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not gpu_queue.list_processes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoGPUProcess(f"The GPU process did not start; its log is {log}.")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
