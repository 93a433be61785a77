"""The crowd's fixtures, which the HIT types' browser tests use too."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connections

from tests.annotator.crowd import acting
from tests.annotator.crowd.fixtures import campaign, dissection, hit, market, visit

ROOT = Path(__file__).parents[3]
__all__ = ["actors", "campaign", "dissection", "hit", "market", "visit"]


@pytest.fixture(scope="module")
def actors(django_db_setup: None) -> Iterator[Callable[[acting.Order], int]]:
    """Carries out an order in a process that is forked for it, and answers how that ended."""
    values = connections["default"].settings_dict
    address = (
        f"postgresql://{quote(values['USER'])}:{quote(values['PASSWORD'])}@/{values['NAME']}?host={values['HOST']}"
    )
    if values["PORT"]:
        address += f"&port={values['PORT']}"
    command = [sys.executable, "-m", "tests.annotator.crowd.acting"]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"DATABASE_URL": address},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        to, back = process.stdin, process.stdout
        assert to
        assert back

        def run(order: acting.Order) -> int:
            print(json.dumps(asdict(order)), file=to, flush=True)
            return int(back.readline())

        yield run
        to.close()
