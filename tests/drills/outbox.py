"""The crash points of the outbox, 20 times each, against the sandbox in bad weather."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
N_REPEATS = 20


def drill_crash_points() -> str:
    """Runs the test of the outbox's crash points N_REPEATS times; a violation is that test's."""
    command = [sys.executable, "-m", "pytest", "tests/annotator/crowd/test_outbox.py", "-q", "-p", "no:randomly"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"UNITSCOPE_CRASH_REPEATS": str(N_REPEATS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return f"{N_REPEATS} campaigns a manner of dying: {done.stdout.strip().splitlines()[-1]}"


DRILLS: dict[str, Callable[[], str]] = {"outbox-crash-points": drill_crash_points}
