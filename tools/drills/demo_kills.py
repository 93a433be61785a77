"""The web or GPU process is killed with -9 at seeded moments of the demo and restarted: the table stays the same."""

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotator.processes import ROOT, Processes
from tools.apart import kill_and_restart, run_apart

FOLDER = ROOT / "var" / "drills" / "demo"
KEPT = FOLDER / "tables.json"
N_RUNS, N_KILLS_A_RUN = 4, 5
SEED = 2026


@dataclass(frozen=True)
class Kill:
    """Which process dies, and after which share of the undisturbed run's time."""

    process: str
    share: float


def draw_kills() -> list[list[Kill]]:
    """Per run one kill in each of equal slices of its time, of both processes in a random order."""
    choice = random.Random(SEED)
    runs = []
    for _ in range(N_RUNS):
        processes = (["web", "gpu"] * N_KILLS_A_RUN)[:N_KILLS_A_RUN]
        choice.shuffle(processes)
        slices = [(i + choice.uniform(0.05, 0.95)) / N_KILLS_A_RUN for i in range(N_KILLS_A_RUN)]
        runs.append([Kill(process, share) for process, share in zip(processes, slices, strict=True)])
    return runs


def run_demo(name: str, *, kills: Sequence[Kill] = (), seconds: float = 0.0) -> tuple[dict[str, Any], float]:
    """The demo from an empty database, with the rendered set of an earlier run: its table, and how long it took.

    seconds: how long the undisturbed run took; the moments of the kills are shares of it.
    """
    var = FOLDER / name
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir(parents=True)
    rendered = FOLDER / "rendered"
    rendered.mkdir(exist_ok=True)
    (var / "demo").symlink_to(rendered)
    with run_apart(var) as processes:
        began = time.monotonic()
        _run_killing(processes, {began + kill.share * seconds: kill.process for kill in kills})
        seconds = time.monotonic() - began
        report = subprocess.run(
            [sys.executable, "manage.py", "report", "demo", "--format", "json"],
            cwd=ROOT, env=processes.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
    shutil.rmtree(var, ignore_errors=True)
    return table_of(json.loads(report.stdout)), seconds


def _run_killing(processes: Processes, kills: dict[float, str]) -> None:
    """Runs the demo to its end; at each moment (of time.monotonic) it kills and restarts the process named there."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT, env=processes.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as demo:  # fmt: skip
        for moment, name in sorted(kills.items()):
            try:
                demo.communicate(timeout=max(moment - time.monotonic(), 0))
                break
            except subprocess.TimeoutExpired:
                kill_and_restart(processes, name)
        _, errors = demo.communicate()
    assert demo.returncode == 0, f"The demo ended with {demo.returncode}: {errors[-400:]}"


def table_of(report: dict[str, Any]) -> dict[str, Any]:
    """The report's units and layers, without pseudonyms and the order of arrival, which differ per installation."""
    units = [
        {**unit, "answers": sorted(unit["answers"], key=lambda answer: json.dumps(answer, sort_keys=True))}
        for unit in report["units"]
    ]
    return {"units": units, **{name: report[name] for name in ("layers", "agreement", "consensus")}}


def kill_at_seeded_moments() -> str:
    """Resumable: the table of each run is stored when the run ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}

    def keep(name: str, value: object) -> None:
        kept[name] = value
        KEPT.write_text(json.dumps(kept))

    if "undisturbed" not in kept:
        report, seconds = run_demo("undisturbed")
        keep("seconds", seconds)
        keep("undisturbed", report)
    for number, kills in enumerate(draw_kills()):
        name = f"run {number}"
        if name not in kept:
            report, seconds = run_demo("killed", kills=kills, seconds=kept["seconds"])
            moments = ", ".join(f"{kill.process} at {kill.share:.2f}" for kill in kills)
            same = "the same" if report == kept["undisturbed"] else "ANOTHER"
            print(f"  {name}: {moments}: {seconds:.0f} s, {same} table", flush=True)
            keep(name, report)
    others = [name for name, report in kept.items() if name.startswith("run") and report != kept["undisturbed"]]
    KEPT.unlink()  # a later call runs everything again
    assert not others, f"Another table after {', '.join(others)}."
    n_units = len(kept["undisturbed"]["units"])
    n_kills = N_RUNS * N_KILLS_A_RUN
    return (
        f"{n_kills} kills of web or GPU process in {N_RUNS} runs (seed {SEED}): the same table of {n_units} units each"
    )


DRILLS = {"demo: kill -9 at 20 moments": kill_at_seeded_moments}
