"""10,000 visits of HIT pages with ids that their addresses invent: no draft, no knowledge, no lock-out, no count."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
N_VISITS = 10_000


def forge_visits() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/annotator/crowd/page/test_claims.py", "-q", "-k", "many_forged_visits"],
        cwd=ROOT,
        env=os.environ | {"UNITSCOPE_FORGED_VISITS": str(N_VISITS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return (
        f"{N_VISITS:,} forged visits from 64 addresses on one HIT: at most 100 rows, none of them an answer, no worker "
        "made, no draft read; the person at work and a newcomer were not stopped."
    )


DRILLS: dict[str, Callable[[], str]] = {"forged-visits": forge_visits}
