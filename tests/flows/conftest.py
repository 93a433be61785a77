"""The whole house running on this machine for the length of a module: services, four processes, a small dissection."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from annotator.processes import ROOT, Processes
from tools.apart import run_apart


@dataclass(frozen=True)
class House:
    processes: Processes

    def manage(self, *arguments: str) -> str:
        """What the command prints; its failure fails the test with its words."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.processes.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments[0]}: {done.stderr[-1000:]}"
        return done.stdout

    @property
    def addresses(self) -> Mapping[str, str]:
        return self.processes.addresses


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    # Not under pytest's temporary folder: another test run on this machine would delete it while it is in use.
    var = Path(tempfile.mkdtemp(prefix="unitscope-house-"))
    with run_apart(var) as processes:
        yield House(processes)
    shutil.rmtree(var)


@pytest.fixture(scope="session")
def dissection_images(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = tmp_path_factory.mktemp("rendered") / "set"
    house.manage("render_concepts", str(images), "--n", "400")
    return images


@pytest.fixture(scope="session")
def dissection(house: House, dissection_images: Path) -> dict[str, Any]:
    """An early layer of a torchvision network, random weights, over 400 rendered images: small, but all of it real."""
    network = ["--network", "torchvision:squeezenet1_1", "--layer", "features.3.squeeze"]
    images = ["--images", str(dissection_images), "--rendered", "--dimming", "fixed"]  # they recognize more of these
    found: dict[str, Any] = json.loads(house.manage("dissect", *network, *images, "--json"))
    return found


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Browser:
    return chromium
