"""A test that hangs is ended and named, also where no signal reaches Python."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IN_PYTHON = """
import threading
def test_waiting():
    threading.Event().wait()
"""
IN_C = """
import ctypes
def test_waiting():
    lock = ctypes.create_string_buffer(256)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(lock)
"""
# None of these is asked for, and each takes time to import.
PLUGINS = ("randomly", "django", "xdist", "schemathesis", "faker", "anyio", "hypothesispytest")


@pytest.mark.parametrize(
    ("hanging", "limit", "said"),
    [
        (IN_PYTHON, "timeout", "Failed: Timeout (>0.2s)"),
        (IN_C, "faulthandler_timeout", "Timeout (0:00:00.200000)!"),
    ],
    ids=["in Python", "in C"],
)
def test_a_test_that_hangs_is_ended_and_named(tmp_path: Path, hanging: str, limit: str, said: str) -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    limits = {name: value for name, value in options.items() if "timeout" in name} | {limit: 0.2}
    (tmp_path / "pytest.ini").write_text("\n".join(["[pytest]", *(f"{name} = {limits[name]}" for name in limits)]))
    (tmp_path / "test_hanging.py").write_text(hanging)
    switched_off = [word for name in PLUGINS for word in ("-p", f"no:{name}")]
    command = [sys.executable, "-u", "-m", "pytest", "-v", *switched_off, "."]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "test_hanging.py::test_waiting" in ended.stdout
    assert said in ended.stdout + ended.stderr
