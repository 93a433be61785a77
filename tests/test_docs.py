"""Every command, option, setting and address is documented, and the pages are what `tools.write_docs` writes."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import get_resolver

from tools import write_docs

URLCONFS = ("annotator.urls", "annotator.sandbox.urls")
# Read before the settings are, or set for libraries.
# The system's own: UNITSCOPE_VAR says what of them matters.
OTHERS = {"DJANGO_SETTINGS_MODULE", "XDG_DATA_HOME"}

DJANGO_COMMANDS = {"migrate", "collectstatic"}


@pytest.mark.parametrize("page", write_docs.PAGES)
def test_a_page_is_what_the_code_says(page: str) -> None:
    written = write_docs.PAGES[page]()
    assert (write_docs.ROOT / "docs" / page).read_text() == written, "run python -m tools.write_docs"


def walk(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in write_docs.list_arguments(parser):
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from walk(one)
        else:
            yield action


def test_every_command_and_option_says_what_it_does() -> None:
    silent = []
    for name, command in write_docs.list_commands():
        parser = command.create_parser("manage.py", name)
        silent += [] if parser.description else [name]
        silent += [f"{name} {action.dest}" for action in walk(parser) if not action.help]
    assert silent == []


def test_every_command_that_a_page_types_exists_with_its_options() -> None:
    """A stranger types what stands there."""
    options = {
        name: find_options(command.create_parser("manage.py", name)) for name, command in write_docs.list_commands()
    }
    pages = [write_docs.ROOT / "README.md", *(write_docs.ROOT / "docs").glob("*.md")]
    wrong, n_read = [], 0
    for page in pages:
        for name, rest in re.findall(r"manage\.py ([a-z_]+)((?:\\\n|[^\n`|;&])*)", page.read_text()):
            n_read += 1
            unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)) - options.get(name, set())
            if name not in {*options, *DJANGO_COMMANDS} or (unknown and name in options):
                wrong.append(f"{page.name}: manage.py {name} {' '.join(sorted(unknown))}")
    assert n_read > 100
    assert wrong == []


def find_options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in walk(parser) for option in action.option_strings}


def test_every_variable_of_the_environment_is_a_documented_setting() -> None:
    """Read past `env`, a variable would be in no page."""
    read = {name for path in write_docs.list_sources() for name in find_read_names(path) if name.isidentifier()}
    assert read - OTHERS <= {setting.name for setting in write_docs.find_settings()}


def find_read_names(path: Path) -> Iterator[str]:
    text = path.read_text()
    # Few files read the environment: only these are parsed.
    for node in ast.walk(ast.parse(text)) if re.search(r"\b(environ|getenv|env)\b", text) else ():
        if isinstance(node, ast.Call):
            if re.search(r"\b(environ\.get|getenv|env\.[a-z_]+)$", ast.unparse(node.func)):
                yield from (str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant))
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            is_read = isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Constant)
            yield from [str(node.slice.value)] if is_read else []  # type: ignore[attr-defined]


def test_every_address_says_what_it_is_for() -> None:
    silent = [
        address
        for urlconf in URLCONFS
        for address, view in write_docs.list_routes(get_resolver(urlconf))
        if not write_docs.tell_view(view)
    ]
    assert silent == []


def test_pages_are_read_in_lines_of_120_characters() -> None:
    for page in write_docs.PAGES:
        for line in (write_docs.ROOT / "docs" / page).read_text().splitlines():
            assert len(line) <= 120 or line.startswith("    "), line
