"""Backups while people submit answers: each restores to an installation that holds all that was acknowledged before."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from annotator.processes import ROOT
from tools.apart import run_apart
from tools.drills.processes import N_PEOPLE, Installation, install, wait_for_answer, working
from tools.drills.submissions import READ, Crowd, run_program

VAR = ROOT / "var" / "drills" / "backups"
N_BACKUPS = int(os.environ.get("UNITSCOPE_BACKUPS", "5"))


def back_up_under_load() -> str:
    shutil.rmtree(VAR, ignore_errors=True)
    VAR.mkdir(parents=True)
    made: list[tuple[Path, dict[str, tuple[str, str]]]] = []
    with install(VAR / "working") as installation, working(installation, pause=0.0) as crowd:
        for number in range(N_BACKUPS):
            wait_for_answer(installation, crowd, "before a backup")
            before = dict(crowd.acknowledged)
            made.append((_back_up(installation, VAR / f"{number}.zip"), before))
            wait_for_answer(installation, crowd, "after a backup")
    n_restored = [_restore(file, before, crowd) for file, before in made]
    shutil.rmtree(VAR)
    return (
        f"{N_BACKUPS} backups while {N_PEOPLE} people submitted {len(crowd.acknowledged)} answers: each was restored "
        f"into an empty installation and held every answer acknowledged before it, once ({n_restored[0]} to "
        f"{n_restored[-1]} answers); {sum(crowd.failed.values())} requests were sent again."
    )


def _back_up(installation: Installation, file: Path) -> Path:
    environment = installation.environment
    done = subprocess.run(
        [sys.executable, "manage.py", "backup", str(file)], cwd=ROOT, env=environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"backup: {done.stderr[-600:]}"
    return file


def _restore(file: Path, before: dict[str, tuple[str, str]], crowd: Crowd) -> int:
    """How many answers the restored installation holds."""
    var = VAR / file.stem
    with run_apart(var, names=()) as processes:
        done = subprocess.run(
            [sys.executable, "manage.py", "restore", str(file)], cwd=ROOT, env=processes.environment, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"restore: {done.stderr[-600:]}"
        rows = json.loads(run_program(processes, READ))
    there = {assignment_id: (words, receipt) for assignment_id, words, receipt in rows}
    assert len(there) == len(rows), "An answer is there twice."
    lost = [one for one, told in before.items() if there.get(one, ("", ""))[0] != told[0]]
    assert not lost, f"{len(lost)} answers acknowledged before the backup are not in it: {lost[:3]}"
    known = {words for words, _ in crowd.acknowledged.values()}
    n_unheard = sum(words not in known for words, _ in there.values())
    assert n_unheard <= N_PEOPLE, f"{n_unheard} answers that nobody was told of."
    return len(rows)


DRILLS: dict[str, Callable[[], str]] = {"backup-under-load": back_up_under_load}
