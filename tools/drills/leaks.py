"""What a HIT page shows besides the content of its images, over 2,000 assignments of a real dissection."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
N_ASSIGNMENTS = 2000


def measure_leaks() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/flows/test_leaks.py", "-q", "-s"],
        cwd=ROOT,
        env=os.environ | {"UNITSCOPE_LEAK_ASSIGNMENTS": str(N_ASSIGNMENTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    found = next(line for line in done.stdout.splitlines() if "under the curve" in line)
    return f"{N_ASSIGNMENTS} assignments, planted negatives against top crops: {found.lstrip('.')}."


DRILLS: dict[str, Callable[[], str]] = {"planted-negatives-leak": measure_leaks}
