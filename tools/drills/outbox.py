"""The crash points of the outbox, 20 times each: against a sandbox that makes faults, and Prolific's stand-in."""

from collections.abc import Callable

from tools.drills._pieces import run_in_pieces
from tools.drills._tests import ROOT, run_test

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
    repeats = f"{first}:{first + n}"
    return _tell(run_test(SANDBOX, named="no_crash_loses", UNITSCOPE_CRASH_REPEATS=repeats))


def _repeat_prolific(first: int, n: int) -> str:
    assert n == 1
    return _tell(run_test(PROLIFIC, named="no_kill or no_crash"))


def _tell(lines: list[str]) -> str:
    print(f"  {lines[-1]}", flush=True)
    return lines[-1]


DRILLS: dict[str, Callable[[], str]] = {
    "outbox-crash-points": drill_crash_points,
    "prolific-crash-points": drill_prolific,
}
