"""The code of `package.module:function`: found without running it, imported again if it changed, and hashed.

A person edits a module while a GPU process lives; Python would go on running what it imported first. So the source
files that a network reaches are hashed before each use, and imported again if their digest is another. Files count that
import statements reach from the function's module, and those that define the classes of the network's modules.
Installed packages that define such classes count by name and version.
"""

import ast
import hashlib
import importlib
import importlib.machinery
import linecache
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from torch import nn

# Unitscope itself, which is stopped and started at an update, and what an artifact's environment states anyway.
UNCOUNTED = {"workers", "annotator", "hit_templates", "torch", "torchvision", "numpy", "PIL"}
_STDLIB = tuple(Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "platstdlib"))
_INSTALLED = {"site-packages", "dist-packages"}
_STARTED_AT = time.time()
# By the function's module: the digest of the files as this process imported them.
_imported: dict[str, str] = {}
# By the function's module: the modules that define its network's classes, as the last build found.
_defining: dict[str, set[str]] = {}
# Modules that are imported again before the next build, whether or not their files changed.
_expired: set[str] = set()
# The folder that the last request named.
_looked_in: list[str] = []
# By package: the version that this process began with.
_versions: dict[str, str] = {}


class CodeChanged(Exception):
    """The code is not what this process runs; the message says what to do."""


def import_fresh(module_name: str) -> ModuleType:
    """The module as its files are now; raises whatever importing it raises."""
    _forget_gone(module_name)
    found = hash_files(module_name)
    files = find_files({module_name, *_defining.get(module_name, set())})
    known = _imported.get(module_name)
    is_old = known != found and (known is not None or _changed_since_start(files.values()))
    with without_compiled_files():
        module = _import_anew(module_name, files, must=is_old)
    _imported[module_name] = found
    return module


def _forget_gone(module_name: str) -> None:
    """Do not run from memory what has no file any more."""
    for name in _list_above(module_name):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and not Path(file).exists():
            del sys.modules[name]


def _import_anew(module_name: str, files: Mapping[str, Path], *, must: bool) -> ModuleType:
    """The module, with what was imported of these files forgotten if that `must` be or if it was expired.

    Some code cannot be imported twice in one process, because it registers names. If no file changed, it stays.
    """
    is_expired = module_name in _expired
    _expired.discard(module_name)
    earlier = _forget(files) if must or is_expired else {}
    try:
        return importlib.import_module(module_name)
    except Exception:
        if must or module_name not in earlier:
            raise
        sys.modules.update(earlier)
        return earlier[module_name]


def look_in(folder: str) -> None:
    """Have Python look for modules in this folder first, and no longer in the last one that was named so; modules that
    a network's code imports while it runs are found there, too. Empty: in none.
    """
    for former in _looked_in:
        if former in sys.path:
            sys.path.remove(former)
    _looked_in[:] = [folder] if folder else []
    sys.path[:0] = _looked_in
    importlib.invalidate_caches()


def expire(module_name: str) -> None:
    """Have the module imported again when its network is next built: a file that its code reads may have changed,
    although the code did not.
    """
    _expired.add(module_name)


def _forget(files: Mapping[str, Path]) -> dict[str, ModuleType]:
    """Have modules imported again, and the packages around them: those without a file of their own know their parent
    by name. Returns what was forgotten.
    """
    forgotten = {}
    for name in {above for file in files for above in _list_above(file)}:
        module = sys.modules.get(name)
        is_compiled = name in files and files[name].suffix != ".py"
        if module is not None and not is_compiled:
            forgotten[name] = sys.modules.pop(name)
    linecache.checkcache()
    return forgotten


def _list_above(name: str) -> list[str]:
    """The module and the packages around it, outermost first."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def hash_built(module_name: str, built: nn.Module) -> str:
    """Hex SHA-256 of the code of a network that was just built; raises CodeChanged if its files changed meanwhile."""
    # Classes that import statements do not lead to are known only now, and were read a moment ago.
    before = hash_files(module_name)
    if before != _imported[module_name]:
        raise CodeChanged(f"The files of {module_name} changed while they were read. Try again.")
    defining = {type(part).__module__ for part in built.modules()}
    _defining[module_name] = {name for name in defining if _is_counted(name)}
    _imported[module_name] = hash_files(module_name)
    packages = {name.partition(".")[0] for name in _defining[module_name] | {module_name} if _is_installed(name)}
    stated = [_imported[module_name], *(_state_version(package) for package in sorted(packages))]
    return hashlib.sha256("\n".join(stated).encode()).hexdigest()


def hash_version(package: str) -> str:
    """Hex SHA-256 of the versions of an installed package; raises CodeChanged if this process began with others."""
    return hashlib.sha256(_state_version(package).encode()).hexdigest()


def hash_files(module_name: str) -> str:
    """Hex SHA-256 of the names and contents of the files that a network of this module is made by."""
    digest = hashlib.sha256()
    for name, path in sorted(find_files({module_name, *_defining.get(module_name, set())}).items()):
        digest.update(f"{name}\0{hashlib.sha256(_read(path)).hexdigest()}\n".encode())
    return digest.hexdigest()


def find_files(names: Iterable[str]) -> dict[str, Path]:
    """By module name, the files that the modules reach by import statements, installed packages left out."""
    importlib.invalidate_caches()
    files: dict[str, Path] = {}
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen or not _is_counted(name):
            continue
        seen.add(name)
        # A package's own file runs before those of its modules.
        waiting += [name.rpartition(".")[0]] if "." in name else []
        path = _find_source(name)
        if path is not None and not _lies_installed(path):
            files[name] = path
            waiting += _list_imports(path, name)
    return files


def _is_counted(name: str) -> bool:
    top = name.partition(".")[0]
    return top not in UNCOUNTED and top not in sys.stdlib_module_names


def _is_installed(name: str) -> bool:
    path = _find_source(name)
    return _is_counted(name) and path is not None and _lies_installed(path)


def _lies_installed(path: Path) -> bool:
    path = path.resolve()
    return not _INSTALLED.isdisjoint(path.parts) or any(path.is_relative_to(folder) for folder in _STDLIB)


def _find_source(name: str) -> Path | None:
    """The file of a module, by the finders that an import would ask; nothing is imported."""
    search: Sequence[str] | None = None
    spec: importlib.machinery.ModuleSpec | None = None
    parts = name.split(".")
    for i, part in enumerate(parts):
        spec = _find_spec(".".join(parts[: i + 1]), search)
        if spec is not None and spec.has_location:
            search = spec.submodule_search_locations or []
        else:
            search = _find_folders(part, search)
        if not search and i + 1 < len(parts):
            return None
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def _find_folders(part: str, search: Sequence[str] | None) -> list[str]:
    """The folders of a package without a file of its own, which Python knows only once its parents are imported."""
    return [
        str(Path(folder, part)) for folder in (sys.path if search is None else search) if Path(folder, part).is_dir()
    ]


def _find_spec(name: str, search: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            if find is not None and (spec := find(name, search, None)) is not None:
                return spec  # type: ignore[no-any-return]
        except (ImportError, ValueError, KeyError):
            continue
    return None


def _list_imports(path: Path, name: str) -> Iterator[str]:
    """The modules that a file's import statements may mean, wherever they stand in it."""
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError):
        return  # the import will say so
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (base := _base(node, package)):
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(node: ast.ImportFrom, package: str) -> str:
    """The module that `from ... import` names; empty if it lies above the outermost package."""
    if node.level == 0:
        return node.module or ""
    parts = package.split(".") if package else []
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _changed_since_start(files: Iterable[Path]) -> bool:
    """True if what other code of this process imported may be older than a file."""
    return any(path.exists() and path.stat().st_ctime >= _STARTED_AT - 1 for path in files)


def _state_version(package: str) -> str:
    """The distributions that give a package; raises CodeChanged if this process began with other versions."""
    names = sorted(set(metadata.packages_distributions().get(package, [])))
    found = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    if _versions.setdefault(package, found) != found:
        raise CodeChanged(
            f"{package} was {_versions[package]} when this GPU process began and is {found} now. Restart the process."
        )
    return found


@contextmanager
def without_compiled_files() -> Iterator[None]:
    """Imports read sources: compiled files are told apart by size and second alone, and may be of an older edit.

    Calling a function needs it as importing does, because functions import, too.
    """
    prefix = sys.pycache_prefix
    with TemporaryDirectory(prefix="unitscope-code-") as folder:
        sys.pycache_prefix = folder
        try:
            yield
        finally:
            sys.pycache_prefix = prefix
