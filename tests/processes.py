"""Processes that may end while a test looks at them."""

import contextlib

import psutil


def is_alive(process: psutil.Process) -> bool:
    """False also for a process that has ended and that nobody has waited for."""
    with contextlib.suppress(psutil.NoSuchProcess):  # a zombie included
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def command_of(process: psutil.Process) -> str:
    """Empty if the process has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
