"""The package, installed from its wheel into an empty environment, runs the whole demo away from the checkout."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
GIVEN = ("DATABASE_URL", "REDIS_URL", "UNITSCOPE_VAR", "ARTIFACT_ROOT", "PYTHONPATH", "VIRTUAL_ENV")


def run_demo() -> str:
    """`unitscope demo --stop` of a fresh environment ends with status 0 and prints its table."""
    with tempfile.TemporaryDirectory(prefix="unitscope-wheel-") as name:
        folder = Path(name)
        uv = Path(sys.executable).with_name("uv")
        _call(str(uv), "build", "--wheel", "--out-dir", str(folder), str(ROOT), folder=folder)
        (wheel,) = folder.glob("*.whl")
        _call(str(uv), "venv", "--python", sys.executable, str(folder / "env"), folder=folder)
        python = folder / "env" / "bin" / "python"
        locked = ("--constraint", str(ROOT / "requirements.lock"))
        _call(str(uv), "pip", "install", "--python", str(python), *locked, f"{wheel}[notebook,demo]", folder=folder)
        said = _call(str(python.with_name("unitscope")), "demo", "--stop", folder=folder)
        lines = [
            line for line in said.splitlines() if "people and pixels agree" in line or line.startswith("all units")
        ]
        assert len(lines) == 2, said[-2000:]
    return f"a fresh environment ran the demo; {' '.join(lines[1].split())}"


def _call(*command: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    environment |= {"XDG_DATA_HOME": str(folder / "data"), "WEB_PORT": "8931", "SANDBOX_PORT": "8932"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr[-1500:]}"
    return done.stdout


DRILLS = {"installed-demo": run_demo}
