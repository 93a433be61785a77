"""The web, sandbox and web-queue processes start where torch is not installed, and load nothing that draws figures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "safetensors"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled())
import {module}
from django.urls import get_resolver
assert len(get_resolver().url_patterns) > 2
from annotator.crowd.hit_types.table import TABLE
from annotator.crowd.hit_types.templates import find_hit_type
assert all(find_hit_type(name).n_units for name in TABLE)
assert not {{"altair", "vl_convert", "pyarrow"}} & set(sys.modules)
"""


@pytest.mark.parametrize("module", ["annotator.wsgi", "annotator.sandbox.wsgi", "annotator.celery"])
def test_it_starts(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module)],
        cwd=Path(__file__).parent.parent, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
