"""The dashboard's generated tests with large numbers: 2,000 API requests and 10,000 look-ups."""

import os
import subprocess
import sys


def _run_test(path: str, *, name: str, **counts: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", path, "-q", "-k", name],
        env={**os.environ, **{key: str(value) for key, value in counts.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-800:]


def request_everything() -> str:
    _run_test("tests/annotator/dashboard/api/test_routes.py", name="generated_requests", UNITSCOPE_API_CASES=2000)
    return "2,000 generated API requests, no server error."


def refuse_look_ups() -> str:
    _run_test("tests/annotator/dashboard/units/test_selection.py", name="generated_look_ups", UNITSCOPE_LOOK_UPS=10_000)
    return "10,000 generated look-ups at the gallery and the API, each refused in words; nothing but SELECT was run."


DRILLS = {"dashboard-api-requests": request_everything, "dashboard-look-ups": refuse_look_ups}
