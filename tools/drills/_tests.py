"""Drills that are a test of the suite with large numbers, which it reads from the environment."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run_command(*words: str, **environment: object) -> list[str]:
    """The lines that it prints. Raises AssertionError with their end if the command failed."""
    own = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(words, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout.strip().splitlines()


def run_test(path: str, *, named: str = "", **environment: object) -> list[str]:
    """The lines that pytest prints, the last of which counts the tests. `named`: of the file, those of these names."""
    chosen = ["-k", named] if named else []
    return run_command(sys.executable, "-m", "pytest", path, "-q", "-s", "-p", "no:randomly", *chosen, **environment)
