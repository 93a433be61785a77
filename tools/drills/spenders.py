"""Twenty who spend for one campaign at once, ten times each, when its cap is enough for half of it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
N_SPENDERS, N_EACH = 20, 10


def spend_at_once() -> str:
    test = "tests/annotator/crowd/outbox/test_spenders.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", test, "-q"],
        cwd=ROOT,
        env=os.environ | {"UNITSCOPE_SPENDERS": str(N_SPENDERS), "UNITSCOPE_SPENDS": str(N_EACH)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return (
        f"{N_SPENDERS} spenders asked for {N_SPENDERS * N_EACH} assignments under a cap for half of them: exactly that "
        "half was reserved, sent and held by the marketplace; each of the others was told that the cap is reached."
    )


DRILLS: dict[str, Callable[[], str]] = {"cap-under-spenders": spend_at_once}
