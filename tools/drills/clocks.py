"""GPU processes whose clocks are hours off: no dissection is lost, tried twice or stuck, and its result is the same."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from numpy.random import default_rng

from annotator.processes import ROOT, STOP_SECONDS, Processes
from tests.workers.engine import making
from tools.apart import run_apart
from tools.drills.submissions import run_program

FOLDER = ROOT / "var" / "drills" / "clocks"
SHIFTED = Path(__file__).parent / "_shifted"
# Seconds by which the GPU process's clock is ahead of the others'.
SHIFTS = (0, -45, -7200, 3600, 86400)
# One image a batch: a pass takes longer than a GPU process may be silent.
N_IMAGES = 20
LIMIT_SECONDS = 900
READ_ATTEMPTS = """
import json
from annotator.units.models import Dissection
print(json.dumps(list(Dissection.objects.latest("created_at").gpu_tasks.values_list("attempts", flat=True))))
"""


@contextmanager
def gpu_process(processes: Processes, *, shift: int) -> Iterator[None]:
    environment = {
        **processes.environment,
        "PYTHONPATH": os.pathsep.join([str(SHIFTED), processes.environment.get("PYTHONPATH", "")]),
        "UNITSCOPE_CLOCK_SHIFT": str(shift),
    }
    command = ["-m", "celery", "-q", "-A", "workers.tasks", "worker", "-Q", "gpu", "--pool", "solo", "-l", "WARNING"]
    log = FOLDER / f"gpu{shift}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=output, stderr=output
        ) as running,
    ):
        yield
        running.terminate()
        running.wait(STOP_SECONDS)
    said = log.read_text()
    assert "Traceback" not in said, f"A traceback of a clock that is {shift} s off: {said[-600:]}"


def dissect(processes: Processes) -> str:
    """The digest of the result."""
    command = [sys.executable, "manage.py", "dissect", "--network", "tools.drills._slow:slow_module", "--layer", "4"]
    given = ["--images", str(FOLDER / "set"), "--batch-size", "1", "--no-chance", "--json"]
    done = subprocess.run(
        [*command, *given],
        cwd=ROOT, env=processes.environment, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, f"The dissection ended with {done.returncode}: {done.stderr[-600:]}"
    return str(json.loads(done.stdout)["artifact_sha256"])


def shift_each() -> str:
    shutil.rmtree(FOLDER, ignore_errors=True)
    making.make_broden(FOLDER / "set", rng=default_rng(3), n_images=N_IMAGES)
    digests: dict[int, str] = {}
    with run_apart(FOLDER / "var", names=("web", "web-queue")) as processes:
        for shift in SHIFTS:
            with gpu_process(processes, shift=shift):
                digests[shift] = dissect(processes)
            attempts = json.loads(run_program(processes, READ_ATTEMPTS))
            assert set(attempts) == {1}, f"With a clock {shift} s off, tasks were tried {attempts} times."
            print(f"  {shift:+} s: each of {len(attempts)} tasks tried once", flush=True)
        processes.check()
    shutil.rmtree(FOLDER)
    assert len(set(digests.values())) == 1, f"Other results: {digests}"
    off = ", ".join(f"{shift:+,} s" for shift in SHIFTS if shift)
    return f"A GPU process's clock off by {off}: each task tried once, 0 lost, 0 stuck, the same result as without."


DRILLS: dict[str, Callable[[], str]] = {"clocks-off": shift_each}
