"""The GPU process is killed with -9 at seeded moments of a fit: the network that comes of it stays the same."""

import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from annotator.processes import ROOT, Processes
from tools.apart import kill_and_restart, run_apart
from workers.contract import LEASE_SILENT_SECONDS

FOLDER = ROOT / "var" / "drills" / "fits"
N_KILLS = 5
SEED = 2016
COLORS = {"blue": (40, 40, 200), "green": (40, 200, 40), "red": (200, 40, 40)}
N_PICTURES, SIZE_PX = 40, 64
PREPROCESSING = {"input_px": SIZE_PX, "mean": [0.5] * 3, "std": [0.5] * 3}


def kill_during_a_fit() -> str:
    """All layers of SqueezeNet learn three colors for five epochs. A fit whose process was lost three times is refused,
    and the same command goes on with it.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    _draw_pictures(FOLDER / "pictures")
    with run_apart(FOLDER / "var", names=("gpu",)) as processes:
        undisturbed, seconds, _ = _fit(processes, "undisturbed")
        choice = random.Random(SEED)
        # A question is sent again when its process has been silent for a while: the next kill comes after that.
        waits = [LEASE_SILENT_SECONDS * (i > 0) + choice.uniform(0.2, 0.8) * seconds / N_KILLS for i in range(N_KILLS)]
        killed, _, n_kills = _fit(processes, "killed", waits=waits)
    shutil.rmtree(FOLDER)
    assert n_kills > 1, "The fit ended before it could be killed twice."
    assert killed == undisturbed, "The network that comes of a killed fit is another."
    return f"{n_kills} kills of the GPU process during a fit of {seconds:.0f} s: the same network, to the byte"


def _draw_pictures(root: Path) -> None:
    generator = np.random.default_rng(SEED)
    for name, color in COLORS.items():
        (root / name).mkdir(parents=True)
        for i in range(N_PICTURES):
            pixels = np.clip(np.array(color) + generator.normal(0, 40, (SIZE_PX, SIZE_PX, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{i}.png")


def _fit(processes: Processes, name: str, *, waits: Sequence[float] = ()) -> tuple[str, float, int]:
    """SHA-256 of the fitted network's file, the seconds that took, and the number of kills; `waits` are the seconds
    from one kill to the next.
    """
    out, began, left = FOLDER / f"{name}.safetensors", time.monotonic(), list(waits)
    words = [
        "manage.py", "fit", "--network", "torchvision:squeezenet1_1", "--preprocessing", json.dumps(PREPROCESSING),
        "--layer", "features.12", "--convolutions", "0", "--whole", "--epochs", "5", "--batch-size", "8",
        "--images", str(FOLDER / "pictures"), "--out", str(out),
    ]  # fmt: skip
    while not out.exists():
        with subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT, env=processes.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as command:  # fmt: skip
            _kill(command, processes, left)
            _, errors = command.communicate()
        assert command.returncode == 0 or "Ask again to go on" in errors, f"The fit ended: {errors[-400:]}"
    return hashlib.sha256(out.read_bytes()).hexdigest(), time.monotonic() - began, len(waits) - len(left)


def _kill(command: "subprocess.Popen[str]", processes: Processes, left: list[float]) -> None:
    """Kills the GPU process after each wait that is left, as long as the command runs."""
    while left and command.poll() is None:
        try:
            command.wait(timeout=left[0])
        except subprocess.TimeoutExpired:
            kill_and_restart(processes, "gpu")
            left.pop(0)


DRILLS = {"fit: kill -9 at five moments": kill_during_a_fit}
