"""A full disk under a dissection: it pauses or is refused, in words, and the same result comes when there is space."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.random import default_rng

from annotator.processes import ROOT, Processes
from tests.workers.engine import making
from tools.apart import run_apart
from tools.drills.submissions import run_program

FOLDER = ROOT / "var" / "drills" / "disks"
N_IMAGES = 24
SIZE_MB = 64
LIMIT_SECONDS = 900
READ_STAGE = """
from django.utils import timezone
from annotator.units.models import Dissection
from annotator.units.progress import read_dissection_progress
print(read_dissection_progress(Dissection.objects.latest("created_at"), now=timezone.now()).stage)
"""
# Folder of the installation -> the options that make a dissection write there.
STAGES: dict[str, list[str]] = {"artifacts": [], "cache": ["--spill"]}


@contextmanager
def small_disk(folder: Path, size_mb: int = SIZE_MB) -> Iterator[None]:
    """A file system of its own in memory. It takes root."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, f"This drill mounts a small disk, which takes root: {made.stderr.strip()}"
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Writes until nothing more fits; the file to remove."""
    ballast = folder / ".ballast"
    with ballast.open("wb", buffering=0) as file:
        while True:
            try:
                if not file.write(bytes(4096)):
                    break
            except OSError:
                break
    return ballast


def dissect(processes: Processes, images: Path, *options: str) -> "subprocess.Popen[str]":
    network = ["--network", "tests.workers.engine.making:tiny_module", "--layer", "4", "--batch-size", "4"]
    command = [sys.executable, "manage.py", "dissect", *network, "--images", str(images), "--no-chance", "--json"]
    return subprocess.Popen(
        [*command, *options],
        cwd=ROOT, env=processes.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(running: "subprocess.Popen[str]") -> dict[str, Any] | None:
    """What the command prints; None if it was refused for want of space."""
    output, errors = running.communicate(timeout=LIMIT_SECONDS)
    assert "Traceback" not in errors, f"A traceback: {errors[-600:]}"
    if running.returncode == 2 and "Free space" in errors:
        return None
    assert running.returncode == 0, f"The dissection ended with {running.returncode}: {errors[-600:]}"
    found: dict[str, Any] = json.loads(output)
    return found


def is_paused(processes: Processes) -> bool:
    """True if the newest dissection says that it waits for space."""
    return "paused: No space" in run_program(processes, READ_STAGE)


def fill_each() -> str:
    shutil.rmtree(FOLDER, ignore_errors=True)
    making.make_broden(FOLDER / "set", rng=default_rng(3), n_images=N_IMAGES)
    told = [fill_one(stage, options) for stage, options in STAGES.items()]
    shutil.rmtree(FOLDER)
    return f"{'; '.join(told)}. No traceback, no half-written file, the same result each time."


def fill_one(stage: str, options: list[str]) -> str:
    """What was seen while the disk of this folder was full."""
    var = FOLDER / stage
    with small_disk(var / stage), run_apart(var) as processes:
        wanted = finish(dissect(processes, FOLDER / "set", *options))
        assert wanted is not None
        ballast = fill(var / stage)
        running = dissect(processes, FOLDER / "set", *options)
        deadline = time.monotonic() + LIMIT_SECONDS
        while not (paused := is_paused(processes)) and running.poll() is None:
            assert time.monotonic() < deadline, f"{stage}: nobody says that the disk is full."
            time.sleep(1)
        processes.check()
        ballast.unlink()
        found = finish(running)
        said = "paused" if paused else "refused"
        if found is None:
            said += " and refused" if paused else ""
            found = finish(dissect(processes, FOLDER / "set", *options))
        assert found is not None, f"{stage}: refused although there is space."
        assert found["artifact_sha256"] == wanted["artifact_sha256"], f"{stage}: another result"
        left = [path for path in (var / stage).rglob("*") if path.name.endswith((".new", ".part", ".tmp"))]
        assert not left, f"{stage}: half-written files: {left}"
    return f"The disk of {stage} full before a dissection: {said} in words"


DRILLS: dict[str, Callable[[], str]] = {"disk-full": fill_each}
