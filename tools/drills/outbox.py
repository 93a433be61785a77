"""The crash points of the outbox, 20 times each, against a sandbox that makes faults."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.drills._pieces import run_in_pieces

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "var" / "drills" / "outbox.json"
N_REPEATS = 20
REPEATS_A_PIECE = 4


def drill_crash_points() -> str:
    """Runs the test of the outbox's crash points N_REPEATS times. The result of each part is stored."""
    run_in_pieces(KEPT, total=N_REPEATS, size=REPEATS_A_PIECE, run=_repeat)
    return (
        "Each crash point of nine acts: killed, raised at, its answer lost, with living and with expired tokens, "
        f"{N_REPEATS} times each: as many HITs, approvals, rejections and bonuses on the ledger as asked for."
    )


def _repeat(first: int, n: int) -> str:
    test = "tests/annotator/crowd/outbox/test_performing.py"
    command = [sys.executable, "-m", "pytest", test, "-q", "-p", "no:randomly"]
    done = subprocess.run(
        [*command, "-k", "no_crash_loses"],
        cwd=ROOT,
        env=os.environ | {"UNITSCOPE_CRASH_REPEATS": f"{first}:{first + n}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    said = done.stdout.strip().splitlines()[-1]
    print(f"  repeats {first} to {first + n - 1}: {said}", flush=True)
    return said


DRILLS: dict[str, Callable[[], str]] = {"outbox-crash-points": drill_crash_points}
