"""The sandbox's tests with large numbers: stories, malformed bodies, many people at once, AWS's other clients."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CLIENTS = ROOT / "var" / "other-clients"
TESTS = "tests/annotator/sandbox"


def _run(*words: str, **environment: str) -> str:
    """The last line of the output; raises AssertionError with the end of the output if the command failed."""
    done = subprocess.run(words, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _test(path: str, **environment: str) -> str:
    return _run(sys.executable, "-m", "pytest", f"{TESTS}/{path}", "-q", "-p", "no:randomly", **environment)


def tell_stories() -> str:
    said = _test("test_state_machine.py", SANDBOX_STORIES="2000", SANDBOX_STEPS="20")
    return f"2,000 stories of up to 20 acts agree with the oracle: {said}"


def send_malformed_bodies() -> str:
    return f"5,000 generated bodies, 0 unhandled errors: {_test('api/test_malformed.py', SANDBOX_BODIES='5000')}"


def let_a_crowd_in() -> str:
    """100 people, 5,000 assignments; the bounds are the benchmark's own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "sandbox_load"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return "100 people, 5,000 assignments: " + "; ".join(done.stdout.strip().splitlines())


def use_other_clients() -> str:
    """Installs AWS's JavaScript client and command line under var/, then runs them."""
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node is not None, "Node.js is needed for AWS's JavaScript client."
    assert npm is not None, "npm is needed for AWS's JavaScript client."
    CLIENTS.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / TESTS / "other_clients" / "package.json", CLIENTS)
    _run(npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(CLIENTS))
    _run(sys.executable, "-m", "venv", str(CLIENTS / "aws"))
    _run(str(CLIENTS / "aws" / "bin" / "python"), "-m", "pip", "install", "-q", "awscli")
    said = _test("test_other_clients.py")
    assert "skipped" not in said, said
    return f"AWS's JavaScript client and command line, unchanged: {said}"


DRILLS: dict[str, Callable[[], str]] = {
    "sandbox-stories": tell_stories,
    "sandbox-malformed-bodies": send_malformed_bodies,
    "sandbox-crowd": let_a_crowd_in,
    "sandbox-other-clients": use_other_clients,
}
