"""A function's network is found in the folder where the command is given, while a GPU process runs already."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from numpy.random import default_rng
from pytest_django import Settings

from tests.workers.engine import making

CODE = """
from torch import nn
from its_parts import WIDTH

def make():
    return nn.Sequential(nn.Conv2d(3, WIDTH, 5, stride=8), nn.ReLU())
"""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gpu_process")]


def dissect(images: Path) -> int:
    output = io.StringIO()
    asked = ["--network", "net_of_mine:make", "--layer", "0", "--images", str(images)]
    call_command("dissect", *asked, "--no-chance", "--preprocessing", '{"input_px": 32}', "--json", stdout=output)
    return int(json.loads(output.getvalue())["n_units"])


def test_two_folders_may_have_modules_of_one_name(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    images = tmp_path / "images"
    making.make_broden(images, rng=default_rng(3), n_images=4)
    for width in (5, 7):
        folder = tmp_path / f"folder{width}"
        folder.mkdir()
        (folder / "net_of_mine.py").write_text(CODE)
        (folder / "its_parts.py").write_text(f"WIDTH = {width}")
        monkeypatch.chdir(folder)
        assert dissect(images) == width
