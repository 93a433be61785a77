"""What a HIT page shows besides the content of its images: of planted negatives, and of the methods of a study."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
N_ASSIGNMENTS = 2000
N_STUDY_ASSIGNMENTS = 500


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


def measure_study_leaks() -> str:
    """A classifier over page source, requests, pictures, order and timing looks for the method that spoke."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/annotator/studies/test_leaks.py", "-q", "-s"],
        cwd=ROOT,
        env=os.environ | {"UNITSCOPE_LEAK_ASSIGNMENTS": str(N_STUDY_ASSIGNMENTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    found = next(line for line in done.stdout.splitlines() if "under the curve" in line)
    return f"{N_STUDY_ASSIGNMENTS} assignments of a study, one method against the other: {found.lstrip('.')}."


DRILLS: dict[str, Callable[[], str]] = {
    "planted-negatives-leak": measure_leaks,
    "study-leak": measure_study_leaks,
}
