"""A full disk under PostgreSQL, Valkey and all that processes write, while people submit: nothing is lost or stuck."""

import os
import shutil
import time
from collections.abc import Callable

from annotator.processes import ROOT
from tools.drills.disks import fill, small_disk
from tools.drills.processes import LIMIT_SECONDS, WHO, Installation, install, wait_for_answer, working

VAR = ROOT / "var" / "drills" / "service-disks"
N_ROUNDS = int(os.environ.get("UNITSCOPE_FULL_DISKS", "10"))
# PostgreSQL begins with some 60 MB, and its log of changes takes 16 MB steps.
SIZE_MB = 400
# Longer than PostgreSQL needs to notice, and than the pauses before a process is started again.
FULL_SECONDS = 30


def fill_in_turn() -> str:
    shutil.rmtree(VAR, ignore_errors=True)
    slowest = 0.0
    with small_disk(VAR, size_mb=SIZE_MB), install(VAR) as installation, working(installation) as crowd:
        for number in range(N_ROUNDS):
            wait_for_answer(installation, crowd, "before the disk is full")
            ballast = fill(VAR)
            time.sleep(FULL_SECONDS)
            ballast.unlink()
            slowest = max(slowest, wait_until_well(installation))
            wait_for_answer(installation, crowd, "after there was space again")
            print(f"  round {number + 1}: {len(crowd.acknowledged)} acknowledged answers", flush=True)
    shutil.rmtree(VAR)
    return (
        f"{N_ROUNDS} times {FULL_SECONDS} s a full disk under PostgreSQL, Valkey and all processes, {WHO}: "
        f"{len(crowd.acknowledged)} acknowledged answers, 0 lost, 0 doubled, 0 stuck, 0 unhandled errors "
        f"({sum(crowd.failed.values())} requests were refused and sent again); all answered within {slowest:.0f} s "
        "after there was space."
    )


def wait_until_well(installation: Installation) -> float:
    """Seconds until everything answers."""
    began = time.monotonic()
    installation.wait_until(installation.answers, "everything answers after there was space")
    assert time.monotonic() - began < LIMIT_SECONDS
    return time.monotonic() - began


DRILLS: dict[str, Callable[[], str]] = {"disk-full-under-services": fill_in_turn}
