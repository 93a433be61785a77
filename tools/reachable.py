"""Finds product code that no entry point reaches and that serves tests only: `python -m tools.reachable`.

The entry points are what Django, Celery and the Procfile load by name or by place. A module is reached if a reached
module imports it or names it in a string. A function, class or constant is reached if its name occurs in reached code,
in a template or in a string. Names are not resolved: two functions of one name are reached together.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("annotator", "workers", "hit_templates")
# Loaded by place: Django's commands, migrations, models, admin and template tags, Celery's tasks.
LOADED_BY_PLACE = re.compile(
    r"/(management/commands|migrations|templatetags)/\w+\.py$|/(models|models/__init__|admin|apps|tasks)\.py$"
)
# Loaded by name: from the Procfile, docker-compose.yml, the Makefile and the command line.
LOADED_BY_NAME = (
    "manage.py", "annotator/__main__.py", "annotator/command.py", "workers/unitscope/public.py",
    "annotator/settings.py", "annotator/urls.py", "annotator/wsgi.py", "annotator/celery.py",
    "annotator/buffering_worker.py",
    "annotator/serving.py", "annotator/health.py", "annotator/sandbox/urls.py", "annotator/sandbox/wsgi.py",
    "workers/config.py", "workers/alive.py",
)  # fmt: skip
# Their top-level names are read by a framework.
READ_WHOLE = re.compile(
    r"/migrations/|annotator/buffering_worker\.py$|/apps\.py$|(^|/)(settings|urls|content_urls|wsgi|celery)\.py$|workers/config\.py$"
)
READ_NAMES = {"Command", "main", "_repr_html_", "process_view", "to_xarray"}
# `@app.task`, `@register.filter`, `@worker_ready.connect` and the like hand the function to a framework.
REGISTERS = {"app", "api", "router", "register", "admin", "shared_task", "receiver", "connect"}
WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Definition:
    """A function, class, constant or method; `uses` are the names in it."""

    path: str
    line: int
    name: str
    uses: frozenset[str]
    is_root: bool = False


@dataclass
class Module:
    path: str
    definitions: list[Definition]
    # Names in the statements that run when the module is loaded.
    uses: set[str]
    # Dotted paths of what it imports or names in a string.
    needs: set[str]


def find_unreached(root: Path) -> list[str]:
    """One line per module, function, class or constant that no entry point reaches."""
    modules = {_dotted(path): read_module(path, root) for path in _list_sources(root)}
    reached = _reach_modules(modules)
    found = [f"{module.path}: no entry point reaches this module" for name, module in modules.items()
             if name not in reached and module.definitions]  # fmt: skip
    live = [modules[name] for name in reached]
    unused = _find_unused(live, _words_of_templates(root))
    return sorted(found + [f"{one.path}:{one.line}: no entry point reaches {one.name}" for one in unused])


def _list_sources(root: Path) -> Iterator[str]:
    yield "manage.py"
    for package in PACKAGES:
        yield from (str(path.relative_to(root)) for path in sorted((root / package).rglob("*.py")))


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def read_module(path: str, root: Path) -> Module:
    tree = ast.parse((root / path).read_text())
    module = Module(path, [], set(), set(_find_needs(tree)))
    for statement in tree.body:
        made = list(_define(statement, path))
        module.definitions += made
        if not made:
            module.uses |= _find_uses(statement)
    return module


def _define(statement: ast.stmt, path: str) -> Iterator[Definition]:
    is_read = bool(READ_WHOLE.search(path))
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            is_root = is_read or _is_registered(statement) or statement.name in READ_NAMES
            yield Definition(path, statement.lineno, statement.name, frozenset(_find_uses(statement)), is_root)
        case ast.ClassDef():
            yield from _define_class(statement, path, is_read)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            is_root = is_read or name.startswith("__")
            yield Definition(path, statement.lineno, name, frozenset(_find_uses(statement)) - {name}, is_root)


def _define_class(statement: ast.ClassDef, path: str, is_read: bool) -> Iterator[Definition]:
    """A class; also its methods, if the class has no bases whose code could call them."""
    methods: list[ast.stmt] = []
    if not statement.bases and not statement.keywords:
        methods = [one for one in statement.body if isinstance(one, ast.FunctionDef) and not _is_dunder(one.name)]
    uses = set().union(*(_find_uses(one) for one in [*statement.decorator_list, *statement.bases]))
    uses |= set().union(*(_find_uses(one) for one in statement.body if one not in methods))
    is_root = is_read or _is_registered(statement) or statement.name in READ_NAMES
    yield Definition(path, statement.lineno, statement.name, frozenset(uses), is_root)
    for method in methods:
        assert isinstance(method, ast.FunctionDef)
        is_root = is_read or method.name in READ_NAMES
        yield Definition(path, method.lineno, method.name, frozenset(_find_uses(method)), is_root)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_registered(statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(REGISTERS & set(WORD.findall(ast.unparse(one).split("(")[0])) for one in statement.decorator_list)


def _find_uses(node: ast.AST) -> set[str]:
    """Names, attributes and words of strings; imported names only if they are renamed with `as`."""
    found: set[str] = set()
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.Constant(value=str(text)) if not text.count(" ") > 3:
                found |= set(WORD.findall(text))
            case ast.ImportFrom(names=names):
                found |= {alias.name for alias in names if alias.asname}
            case ast.MatchClass(kwd_attrs=names):
                found |= set(names)
    return found


def _find_needs(tree: ast.Module) -> Iterator[str]:
    """Dotted paths. If a string names a package, `.module` at the end of an f-string there names a module in it."""
    texts = {part.value for part in ast.walk(tree) if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    paths = {text for text in texts if text.startswith(PACKAGES)}
    endings = {text for text in texts if re.fullmatch(r"\.\w+", text)}
    yield from paths
    yield from (f"*{ending}" for ending in endings)
    for part in ast.walk(tree):
        match part:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom(level=level) if level:
                raise ValueError("Relative imports are not used here.")


def _reach_modules(modules: dict[str, Module]) -> set[str]:
    entries = {name for name, one in modules.items() if one.path in LOADED_BY_NAME or LOADED_BY_PLACE.search(one.path)}
    reached: set[str] = set()
    waiting = set(entries)
    needs: set[str] = set()
    while waiting:
        reached |= waiting
        new = set().union(*(modules[name].needs for name in waiting)) - needs
        needs |= new
        waiting = set(_find_modules(new, needs, modules)) - reached
    return reached


def _find_modules(new: set[str], needs: set[str], modules: dict[str, Module]) -> Iterator[str]:
    """The modules that new dotted paths lie in, with the packages above them; `needs` are all paths, the new included.

    An ending is joined to each package that is named: the other paths have no modules below them.
    """
    endings = {need.removeprefix("*") for need in needs if need.startswith("*")}
    packages = needs & {name.rpartition(".")[0] for name in modules}
    for need in new | {package + ending for package in packages for ending in endings}:
        parts = need.split(".")
        for n in range(len(parts), 0, -1):
            if ".".join(parts[:n]) in modules:
                yield from modules.keys() & {".".join(parts[:m]) for m in range(1, n + 1)}
                break


def _words_of_templates(root: Path) -> set[str]:
    paths = [path for package in PACKAGES for path in (root / package).rglob("*") if path.suffix in (".html", ".toml")]
    return set().union(*(WORD.findall(path.read_text()) for path in paths))


def _find_unused(modules: list[Module], words: set[str]) -> list[Definition]:
    definitions = [one for module in modules for one in module.definitions]
    used = words.union(*(module.uses for module in modules))
    used |= {name for one in definitions if one.is_root for name in one.uses}
    waiting = [one for one in definitions if not one.is_root]
    while live := [one for one in waiting if one.name in used]:
        waiting = [one for one in waiting if one.name not in used]
        used = used.union(*(one.uses for one in live))
    return waiting


def main() -> int:
    found = find_unreached(ROOT)
    print("\n".join(found) or "Every piece of product code is reached by an entry point.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
