"""The crash points of the outbox, 20 times each: against a sandbox that makes faults, and Prolific's stand-in."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.drills._pieces import run_in_pieces

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "var" / "drills" / "outbox.json"
KEPT_OF_PROLIFIC = KEPT.with_name("prolific.json")
SANDBOX = "tests/annotator/crowd/outbox/test_performing.py"
PROLIFIC = "tests/annotator/crowd/marketplaces/test_prolific.py"
N_REPEATS = 20
REPEATS_A_PIECE = 4


def drill_crash_points() -> str:
    """Runs the test of the outbox's crash points N_REPEATS times. The result of each part is stored."""
    run_in_pieces(KEPT, total=N_REPEATS, size=REPEATS_A_PIECE, run=_repeat_sandbox)
    return (
        "Each crash point of nine acts: killed, raised at, its answer lost, with living and with expired tokens, "
        f"{N_REPEATS} times each: as many HITs, approvals, rejections and bonuses on the ledger as asked for."
    )


def drill_prolific() -> str:
    """As above, of the tests of Prolific's adapter. A piece is one repeat."""
    run_in_pieces(KEPT_OF_PROLIFIC, total=N_REPEATS, size=1, run=_repeat_prolific)
    return (
        "Each crash point of six acts at Prolific's stand-in: killed, raised at, its answer lost, "
        f"{N_REPEATS} times each: as many places, approvals and rejections as asked for; no bonus was paid twice, and "
        "one of unknown outcome waits for a person."
    )


def _repeat_sandbox(first: int, n: int) -> str:
    return _test(SANDBOX, "no_crash_loses", UNITSCOPE_CRASH_REPEATS=f"{first}:{first + n}")


def _repeat_prolific(first: int, n: int) -> str:
    assert n == 1
    return _test(PROLIFIC, "no_kill or no_crash")


def _test(path: str, which: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", path, "-q", "-p", "no:randomly", "-k", which],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    said = done.stdout.strip().splitlines()[-1]
    print(f"  {said}", flush=True)
    return said


DRILLS: dict[str, Callable[[], str]] = {
    "outbox-crash-points": drill_crash_points,
    "prolific-crash-points": drill_prolific,
}
