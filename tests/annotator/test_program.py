"""Commands that are printed are called as they are called here: `manage.py` in a checkout, `unitscope` installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from annotator import commanding, program
from annotator.evidence.management.commands.explain import Command


@pytest.fixture(autouse=True)
def nothing_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in program.MOVED_BY:
        monkeypatch.delenv(name, raising=False)


def test_a_command_for_another_terminal_repeats_what_was_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_PORT", "8040")
    monkeypatch.setenv("UNITSCOPE_VAR", str(program.CHECKOUT / "var"))
    assert program.name_command("first_admin", in_full=True) == "WEB_PORT=8040 .venv/bin/python manage.py first_admin"
    monkeypatch.setenv("UNITSCOPE_VAR", "/my data")
    assert program.name_command("x", in_full=True).startswith("UNITSCOPE_VAR='/my data' WEB_PORT=8040 ")
    assert program.name_command("x") == "manage.py x"


def test_an_installed_package_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "installed").mkdir()
    shutil.copy(program.__file__, tmp_path / "installed")
    ask = "import program; print(program.name_command('first_admin', in_full=True))"
    said = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path / "installed", stdout=subprocess.PIPE, check=True)
    assert said.stdout.decode().strip() == "unitscope first_admin"
    assert program.name_command("first_admin", in_full=True) == ".venv/bin/python manage.py first_admin"
    assert program.name_command("first_admin") == "manage.py first_admin"


def test_examples_in_the_help_are_called_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commanding, "PROGRAM", "unitscope")
    said = Command().create_parser("unitscope", "explain").format_help()
    assert "example: unitscope explain --network" in said
    assert "manage.py" not in said
