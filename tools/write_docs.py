"""`python -m tools.write_docs`: writes docs/commands.md, docs/settings.md and docs/routes.md from the code."""

import argparse
import ast
import inspect
import os
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.urls import URLResolver

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 120
NAME = r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+"
NOTE = "<!-- Written by `python -m tools.write_docs`; `tests/test_docs.py` compares. -->"


@dataclass(frozen=True)
class Setting:
    name: str
    meaning: str
    default: str


def find_settings() -> list[Setting]:
    """Every call in the code whose first two arguments are a variable's NAME and a sentence, in order of appearance."""
    found: dict[str, Setting] = {}
    for path in list_sources():
        text = path.read_text()
        # Few files name one: only these are parsed.
        if not re.search(rf"""["']{NAME}["']""", text):
            continue
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: call.lineno):
            if (setting := _read_setting(call)) is not None:
                found.setdefault(setting.name, setting)
    return list(found.values())


def list_sources() -> list[Path]:
    """The settings module first."""
    first = ROOT / "annotator" / "settings.py"
    others = sorted(path for top in ("annotator", "workers") for path in (ROOT / top).rglob("*.py"))
    return [first, *(path for path in others if path != first)]


def _read_setting(call: ast.Call) -> Setting | None:
    texts = [one.value for one in call.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if len(texts) < 2 or not re.fullmatch(NAME, texts[0]) or not texts[1].endswith("."):
        return None
    default = next((word.value for word in call.keywords if word.arg == "default"), None)
    is_flag = isinstance(call.func, ast.Attribute) and call.func.attr == "flag"
    return Setting(texts[0], texts[1], _tell_default(default, is_flag=is_flag))


def _tell_default(node: ast.expr | None, *, is_flag: bool) -> str:
    if isinstance(node, ast.IfExp):  # None if DEPLOYED else ..., or an empty text
        is_needed = isinstance(node.body, ast.Constant) and node.body.value is None
        return f"{_tell_default(node.orelse, is_flag=False)}; {'required' if is_needed else 'empty'} on a server"
    if node is None:
        return "`0`" if is_flag else ""
    if isinstance(node, ast.JoinedStr):
        parts = [
            ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ast.literal_eval(part)
            for part in node.values
        ]
        return f"`{''.join(map(str, parts))}`"
    text = str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)
    return f"`{text}`" if text else ""


def write_settings() -> str:
    parts = [
        "# Settings\nEvery setting is an environment variable. A bad value is named and nothing starts.\n",
        NOTE,
        "",
    ]
    for setting in find_settings():
        default = f" Default: {setting.default}." if setting.default else ""
        parts.append(_item(f"- **`{setting.name}`**: {setting.meaning}{default}"))
    return "\n".join(parts) + "\n"


def write_commands() -> str:
    from annotator.work.table import STEPS

    parts = [
        "# Commands\nEach is `.venv/bin/python manage.py NAME`. A refusal is one sentence and exit status 2.\n",
        NOTE,
        "",
    ]
    for name, command in list_commands():
        parser = command.create_parser("manage.py", name)
        parts += [f"## {name}", _paragraphs(parser.description or ""), *_tell_arguments(parser, indent=""), ""]
    parts += [
        "## The table of steps",
        "Buttons, commands and the web queue perform these; the audit log names them.",
        "",
    ]
    for step in STEPS.values():
        money = "; may commit money: real money takes a payer and a permit" if step.spends else ""
        names = ", ".join(f"`{refusal.__name__}`" for refusal in step.refusals)
        refused = f" Refused by {names}." if names else ""
        parts.append(_item(f"- **{step.name}** ({step.subject}; {step.role.value}{money}): {step.sentence}{refused}"))
    parts += ["", "## Refusals", ""]
    refusals = {refusal.__name__: refusal for step in STEPS.values() for refusal in step.refusals}
    for name in sorted(refusals):
        parts.append(_item(f"- `{name}`: {inspect.getdoc(refusals[name])}"))
    return "\n".join(parts) + "\n"


def list_commands() -> Iterator[tuple[str, Any]]:
    """The project's own commands by name."""
    from django.core.management import get_commands, load_command_class

    for name, app in sorted(get_commands().items()):
        if isinstance(app, str) and app.startswith("annotator."):
            yield name, load_command_class(app, name)


def list_arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments that --help shows."""
    return [one for one in parser._actions if one.help != argparse.SUPPRESS and one.dest != "help"]


def _tell_arguments(parser: argparse.ArgumentParser, *, indent: str) -> Iterator[str]:
    for action in list_arguments(parser):
        if isinstance(action, argparse._SubParsersAction):
            yield from _tell_subcommands(action)
        else:
            yield _item(f"{indent}- `{_name(action)}` {tell_help(action)}".rstrip())


def _tell_subcommands(action: Any) -> Iterator[str]:
    yield f"- `{action.metavar}` {action.help}"
    helps = {one.dest: one.help for one in action._choices_actions}
    for name, parser in action.choices.items():
        yield _item(f"  - `{name}` {helps[name]}")
        yield from _tell_arguments(parser, indent="    ")


def _name(action: argparse.Action) -> str:
    if action.choices is not None:
        value = "|".join(map(str, action.choices))
    else:
        value = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return f"[{value}]" if action.nargs in ("?", "*") else (action.dest if action.choices is None else value)
    return action.option_strings[-1] if action.nargs == 0 else f"{action.option_strings[-1]} {value}"


def tell_help(action: argparse.Action) -> str:
    text = " ".join((action.help or "").replace("%%", "%").split())
    return text + ("" if text.endswith(".") or not text else ".")


def write_routes() -> str:
    from django.urls import get_resolver

    parts = [
        "# Addresses\nIn brackets the least role; `tests/annotator/routes.txt` says what each role gets.\n",
        NOTE,
    ]
    for title, urlconf in (("The web", "annotator.urls"), ("The sandbox", "annotator.sandbox.urls")):
        parts += ["", f"## {title}", ""]
        for address, view in list_routes(get_resolver(urlconf)):
            role = getattr(view, "least_role", None)
            least = f" ({role.value})" if role is not None else ""
            parts.append(_item(f"- `{address}`{least} {tell_view(view)}".rstrip()))
    return "\n".join(parts) + "\n"


def list_routes(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Addresses with their views, but for those that Django's admin and ninja's documentation bring along."""
    for entry in resolver.url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from list_routes(entry, address)
        elif find_view(entry.callback).__module__.startswith("annotator."):
            yield address, entry.callback


def find_view(callback: Any) -> Callable[..., Any]:
    """The function that we wrote, beneath what ninja and decorators put around it."""
    view = getattr(callback, "view_class", inspect.unwrap(callback))
    if view.__module__.startswith("ninja.") and inspect.isfunction(view):
        owner = inspect.getclosurevars(view).nonlocals["self"]
        view = owner.operations[0].view_func
    found: Callable[..., Any] = inspect.unwrap(view)
    return found


def tell_view(callback: Any) -> str:
    """The first sentence of the view's docstring."""
    text = " ".join((inspect.getdoc(find_view(callback)) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) ", text)[0]


def _item(text: str) -> str:
    """One item of a list, folded; its later lines are set in."""
    inset = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.fill(text, width=WIDTH, subsequent_indent=inset, break_long_words=False, break_on_hyphens=False)


def _paragraphs(text: str) -> str:
    """Folded; a paragraph that is set out in lines of its own stays as it is."""
    folded = []
    for paragraph in text.strip().split("\n\n"):
        is_code = any(line.startswith("    ") for line in paragraph.splitlines())
        folded.append(f"```\n{paragraph}\n```" if is_code else textwrap.fill(" ".join(paragraph.split()), width=WIDTH))
    return "\n\n".join(folded) + "\n"


PAGES = {"commands.md": write_commands, "settings.md": write_settings, "routes.md": write_routes}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    django.setup()
    for name, write in PAGES.items():
        (ROOT / "docs" / name).write_text(write())


if __name__ == "__main__":
    main()
