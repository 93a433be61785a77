"""Commands that are printed are called as they are called here: `manage.py` in a checkout, `unitscope` installed."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from annotator import commanding, program
from annotator.evidence.management.commands.explain import Command

ANNOTATOR = Path(program.__file__).parent
# They state the name itself, are never printed, or are written into docs/.
EXCEPTED = {"program.py", "command.py", "__main__.py", "settings.py", "serving.py"}


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


def test_no_printed_text_states_how_commands_are_called() -> None:
    """Examples of the help, which begin a module, are changed when they are printed."""
    found = [
        f"{path.relative_to(ANNOTATOR)}:{line}"
        for path in sorted(ANNOTATOR.rglob("*.py"))
        if path.name not in EXCEPTED
        for line in find_stated(ast.parse(path.read_text()))
    ]
    pages = [str(path.relative_to(ANNOTATOR)) for path in ANNOTATOR.rglob("*.html") if "manage.py" in path.read_text()]
    assert [*found, *pages] == []


def find_stated(tree: ast.Module) -> list[int]:
    """The lines of texts with the word, but for docstrings and examples."""
    holders = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef))]
    left_out = {id(node.body[0].value) for node in holders if node.body and isinstance(node.body[0], ast.Expr)}
    examples = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("EXAMPLE", "help")
    ]
    left_out |= {id(part) for node in examples for part in ast.walk(node)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if "manage.py" in node.value and id(node) not in left_out
    ]
