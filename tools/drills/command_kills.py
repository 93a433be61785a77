"""kill -9 while answers are imported, labeled, exported and read back: the same command then comes to its end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.processes import ROOT
from tools.apart import run_apart

VAR = ROOT / "var" / "drills" / "command-kills"
SHARED = Path(os.environ.get("UNITSCOPE_SHARED") or ROOT.parent / "shared")
N_KILLS = int(os.environ.get("UNITSCOPE_COMMAND_KILLS", "20"))
# Both installations give the same pseudonyms and identities.
KEY = {"PSEUDONYM_KEY": "the key of a drill that compares two installations with each other"}


@dataclass(frozen=True)
class Installation:
    """Commands on a database of its own; `out` is its folder of exports."""

    environment: dict[str, str]
    out: Path

    def start(self, words: list[str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def finish(self, words: list[str], *, may_be_done: bool = False) -> str:
        """What it prints. A command that was killed at its very end may say that all is done."""
        running = self.start(words)
        said, errors = running.communicate()
        assert "Traceback" not in errors, f"{words[0]}: {errors[-600:]}"
        if may_be_done and running.returncode == 2 and ("already" in errors or "not an empty folder" in errors):
            return ""
        assert running.returncode == 0, f"{words[0]} ended with {running.returncode}: {errors[-600:]}"
        return said

    def report(self, campaign: str) -> Any:
        return json.loads(self.finish(["report", campaign, "--format", "json"]))

    def list_commands(self) -> list[list[str]]:
        answers = SHARED / "data" / "published" / "places205-alexnet" / "unitAnnotation_places205-alexnet.mat"
        return [
            ["import_annotations", "papers", "--answers", str(answers), "--network", "places205-alexnet"],
            ["label", "papers"],
            ["export", "papers", "--out", str(self.out)],
            ["import_bundle", str(self.out / "bundle.zip"), "--as", "copy"],
        ]


def kill_and_compare() -> str:
    shutil.rmtree(VAR, ignore_errors=True)
    with run_apart(VAR / "undisturbed", KEY, names=()) as processes:
        quiet = Installation(processes.environment, VAR / "quiet")
        seconds = [measure(quiet, words) for words in quiet.list_commands()]
        wanted = [quiet.report(name) for name in ("papers", "copy")]
    n_killed = 0
    with run_apart(VAR / "killed", KEY, names=()) as processes:
        hurt = Installation(processes.environment, VAR / "hurt")
        for words, whole in zip(hurt.list_commands(), seconds, strict=True):
            n_killed += sum(kill_within(hurt, words, whole * (n + 1) / (N_KILLS + 1)) for n in range(N_KILLS))
            hurt.finish(words, may_be_done=True)
            print(f"  {words[0]}: {n_killed} kills so far", flush=True)
        found = [hurt.report(name) for name in ("papers", "copy")]
    assert found == wanted, "A report differs from that of the undisturbed installation."
    compare_exports(quiet.out, hurt.out)
    shutil.rmtree(VAR)
    return (
        f"{n_killed} kill -9 in {N_KILLS} moments each of import, label, export and the import of a bundle: each "
        "command then came to its end, and reports and exports equal those of an undisturbed installation."
    )


def measure(installation: Installation, words: list[str]) -> float:
    began = time.monotonic()
    installation.finish(words)
    return time.monotonic() - began


def kill_within(installation: Installation, words: list[str], seconds: float) -> bool:
    """True if it was killed; False if it had ended before."""
    running = installation.start(words)
    try:
        running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):  # it may just have ended
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        return True
    return False


def compare_exports(one: Path, other: Path) -> None:
    """Tables of both exports are equal to the byte; nothing half-written lies beside."""
    names = {path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file()}
    assert names == {path.relative_to(other).as_posix() for path in other.rglob("*") if path.is_file()}
    for name in names:
        if name.endswith(".csv"):
            assert (one / name).read_bytes() == (other / name).read_bytes(), f"{name} differs."
    left = [path.name for path in one.parent.iterdir() if path.name not in (one.name, other.name)]
    assert set(left) <= {"undisturbed", "killed"}, f"Half-made: {left}"


DRILLS: dict[str, Callable[[], str]] = {"kills-of-commands": kill_and_compare}
