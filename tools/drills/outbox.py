"""The crash points of the outbox, 20 times each, against a sandbox that makes faults."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "var" / "drills" / "outbox.json"
N_REPEATS = 20
REPEATS_A_PIECE = 4


def drill_crash_points() -> str:
    """Runs the test of the outbox's crash points N_REPEATS times. The result of each part is stored."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, str] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for first in range(0, N_REPEATS, REPEATS_A_PIECE):
        piece = f"{first}:{first + REPEATS_A_PIECE}"
        if piece not in kept:
            kept[piece] = _repeat(piece)
            print(f"  repeats {piece}: {kept[piece]}", flush=True)
            KEPT.write_text(json.dumps(kept))
    KEPT.unlink()
    return (
        "Each crash point of nine acts: killed, raised at, its answer lost, with living and with expired tokens, "
        f"{N_REPEATS} times each: as many HITs, approvals, rejections and bonuses on the ledger as asked for."
    )


def _repeat(piece: str) -> str:
    test = "tests/annotator/crowd/outbox/test_performing.py"
    command = [sys.executable, "-m", "pytest", test, "-q", "-p", "no:randomly"]
    done = subprocess.run(
        [*command, "-k", "no_crash_loses"],
        cwd=ROOT,
        env=os.environ | {"UNITSCOPE_CRASH_REPEATS": piece},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout.strip().splitlines()[-1]


DRILLS: dict[str, Callable[[], str]] = {"outbox-crash-points": drill_crash_points}
