"""The sandbox's tests with large numbers: stories, malformed bodies, many people at once, AWS's other clients."""

import shutil
import sys
from collections.abc import Callable

from tools.drills._tests import ROOT, run_command, run_test

CLIENTS = ROOT / "var" / "other-clients"
TESTS = "tests/annotator/sandbox"


def tell_stories() -> str:
    lines = run_test(f"{TESTS}/test_state_machine.py", SANDBOX_STORIES=2000, SANDBOX_STEPS=20)
    return f"2,000 stories of up to 20 acts agree with the oracle: {lines[-1]}"


def send_malformed_bodies() -> str:
    lines = run_test(f"{TESTS}/api/test_malformed.py", SANDBOX_BODIES=5000)
    return f"5,000 generated bodies, 0 unhandled errors: {lines[-1]}"


def let_a_crowd_in() -> str:
    """100 people, 5,000 assignments; the bounds are the benchmark's own."""
    lines = run_command(sys.executable, "-m", "benchmarks", "sandbox_load")
    return "100 people, 5,000 assignments: " + "; ".join(lines)


def use_other_clients() -> str:
    """Installs AWS's JavaScript client and command line under var/, then runs them."""
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node is not None, "Node.js is needed for AWS's JavaScript client."
    assert npm is not None, "npm is needed for AWS's JavaScript client."
    CLIENTS.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / TESTS / "other_clients" / "package.json", CLIENTS)
    run_command(npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(CLIENTS))
    run_command(sys.executable, "-m", "venv", str(CLIENTS / "aws"))
    run_command(str(CLIENTS / "aws" / "bin" / "python"), "-m", "pip", "install", "-q", "awscli")
    *_, said = run_test(f"{TESTS}/test_other_clients.py")
    assert "skipped" not in said, said
    return f"AWS's JavaScript client and command line, unchanged: {said}"


DRILLS: dict[str, Callable[[], str]] = {
    "sandbox-stories": tell_stories,
    "sandbox-malformed-bodies": send_malformed_bodies,
    "sandbox-crowd": let_a_crowd_in,
    "sandbox-other-clients": use_other_clients,
}
