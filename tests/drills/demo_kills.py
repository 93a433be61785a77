"""At seeded moments of the demo, web or GPU process is killed with -9 and started again: the same table each time."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from tests.processes import Processes, free_port

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "var" / "drills" / "demo"
KEPT = FOLDER / "tables.json"
N_MOMENTS = 20
SEED = 2026


class KillDrill:
    """One demo run from an empty database, with the rendered set of an earlier run, and at most one kill."""

    def __init__(self, name: str) -> None:
        self.var = FOLDER / name
        self.environment = {
            **os.environ,
            "UNITSCOPE_VAR": str(self.var),
            "WEB_PORT": str(free_port()),
            "SANDBOX_PORT": str(free_port()),
        }
        for taken in ("DATABASE_URL", "REDIS_URL"):
            self.environment.pop(taken, None)

    def run(self, *, kill: str | None = None, after_seconds: float = 0.0) -> tuple[dict[str, object], float]:
        """The report's units and the seconds that the job took."""
        shutil.rmtree(self.var, ignore_errors=True)
        self.var.mkdir(parents=True)
        rendered = FOLDER / "rendered"
        rendered.mkdir(exist_ok=True)
        (self.var / "demo").symlink_to(rendered)
        with ExitStack() as stack:
            processes = stack.enter_context(Processes(self.environment))
            began = time.monotonic()
            if kill:
                timer = threading.Timer(after_seconds, processes.kill_and_restart, args=[kill])
                timer.start()
                stack.callback(timer.join)
                stack.callback(timer.cancel)
            done = subprocess.run(
                [sys.executable, "manage.py", "demo"],
                cwd=ROOT,
                env=processes.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"The demo ended with {done.returncode}: {done.stderr[-400:]}"
            seconds = time.monotonic() - began
            report = subprocess.run(
                [sys.executable, "manage.py", "report", "demo", "--format", "json"],
                cwd=ROOT, env=processes.environment, capture_output=True, text=True, check=True,
            )  # fmt: skip
        shutil.rmtree(self.var, ignore_errors=True)
        return json.loads(report.stdout), seconds


def kill_at_seeded_moments() -> str:
    """Resumable: each moment's table is kept when its run ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}

    def keep(name: str, value: object) -> None:
        kept[name] = value
        KEPT.write_text(json.dumps(kept))

    if "undisturbed" not in kept:
        report, seconds = KillDrill("undisturbed").run()
        keep("seconds", seconds)
        keep("undisturbed", report)
    choice = random.Random(SEED)
    for moment in range(N_MOMENTS):
        target, share = choice.choice(["web", "gpu"]), choice.uniform(0.02, 0.98)
        name = f"{moment:02d} {target} at {share:.2f}"
        if name not in kept:
            report, seconds = KillDrill("killed").run(kill=target, after_seconds=share * kept["seconds"])
            print(
                f"  {name}: {seconds:.0f} s, {'same' if report == kept['undisturbed'] else 'ANOTHER'} table", flush=True
            )
            keep(name, report)
    others = [name for name, report in kept.items() if name[:2].isdigit() and report != kept["undisturbed"]]
    assert not others, f"Another table after {', '.join(others)}."
    n_units = len(kept["undisturbed"]["units"])
    return f"{N_MOMENTS} kills of web or GPU process (seed {SEED}), the same table of {n_units} units each time"


DRILLS = {"demo: kill -9 at 20 moments": kill_at_seeded_moments}
