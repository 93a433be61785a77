"""Where the code of `package.module:function` lies: in the folder from which a command was given, or on its path.

A GPU process may run elsewhere and may have begun before; it is told the folder with each request. Networks,
dissections and questions each keep their own: two projects may have modules of one name.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from django.conf import settings

from workers.engine.networks.source_names import has_own_code, name_module

_EVERYWHERE = {"site-packages", "dist-packages"}


def find_code_folder(architecture: str) -> str:
    """The caller's folder, or the first on Python's path, from which Python would import the network's module. Empty
    if there is none, if a GPU process finds the module anyway, or if the network has no code of its own.
    """
    if not has_own_code(architecture):
        return ""
    found = _find_folder(name_module(architecture), [str(Path.cwd()), *sys.path])
    is_everywhere = found is None or found == settings.BASE_DIR or not _EVERYWHERE.isdisjoint(found.parts)
    return "" if is_everywhere else str(found)


def holds_code(folder: str, architecture: str) -> bool:
    """True if the network's module lies in this folder."""
    return bool(folder) and _find_folder(name_module(architecture), [folder]) is not None


def _find_folder(module: str, folders: Sequence[str]) -> Path | None:
    name, _, rest = module.partition(".")
    importlib.invalidate_caches()
    spec = PathFinder.find_spec(name, list(folders)) if name else None
    if spec is None:
        return None
    if spec.origin is not None:
        file = Path(spec.origin).resolve()
        return file.parent if spec.submodule_search_locations is None else file.parent.parent
    # Directories without __init__.py, which many folders have: only one that holds the module counts.
    parts = [Path(part) for part in spec.submodule_search_locations or []]
    return next((part.resolve().parent for part in parts if _is_within(rest, part)), None)


def _is_within(module: str, package: Path) -> bool:
    """True if the module lies in this directory, which has no __init__.py."""
    name, _, rest = module.partition(".")
    spec = PathFinder.find_spec(name, [str(package)]) if name else None
    if spec is None:
        return False
    within = spec.submodule_search_locations or []
    return spec.origin is not None or any(_is_within(rest, Path(part)) for part in within)
