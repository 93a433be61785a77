"""10,000 visits of HIT pages with ids that their addresses invent: no draft, no knowledge, no lock-out, no count."""

from collections.abc import Callable

from tools.drills._tests import run_test

N_VISITS = 10_000


def forge_visits() -> str:
    run_test("tests/annotator/crowd/page/test_limits.py", named="many_forged_visits", UNITSCOPE_FORGED_VISITS=N_VISITS)
    return (
        f"{N_VISITS:,} forged visits from 64 addresses on one HIT: at most 100 rows, none of them an answer, no worker "
        "made, no draft read; the person at work and a newcomer were not stopped."
    )


DRILLS: dict[str, Callable[[], str]] = {"forged-visits": forge_visits}
