"""The tests that drills run exist under the names that the drills give."""

import ast
from importlib import import_module
from pathlib import Path

from tools import drills
from tools.drills._tests import ROOT

FILES = [path for path in Path(*drills.__path__).glob("[!_]*.py") if "run_test(" in path.read_text()]


def test_what_a_drill_runs_exists() -> None:
    n_run = 0
    for file in FILES:
        known = vars(import_module(f"tools.drills.{file.stem}"))
        for call in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "run_test"):
                continue
            n_run += 1
            path = ROOT / eval(ast.unparse(call.args[0]), dict(known))  # noqa: S307  our own text
            named = [ast.literal_eval(word.value) for word in call.keywords if word.arg == "named"]
            words = [word for one in named for word in one.split(" or ")]
            assert path.is_file(), (file.name, path)
            assert all(word in path.read_text() for word in words), (file.name, path, words)
    assert n_run >= 10
