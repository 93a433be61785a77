"""Where the code of `package.module:function` lies: in the folder from which a command was given, or on its path.

A GPU process may run elsewhere and may have begun before; it is told the folder with each request.
"""

import sys
from pathlib import Path

from django.conf import settings

from annotator.units.models import CodeFolder
from workers.engine.networks.source_names import has_own_code, name_module


def note_code_folder(architecture: str) -> None:
    """Keeps the folder for whoever needs the module from now on. Nothing is noted of what lies in none."""
    if folder := _find_folder(architecture):
        CodeFolder.objects.update_or_create(module=_name_package(architecture), defaults={"folder": str(folder)})


def read_code_folder(architecture: str) -> str:
    """The folder that was noted last; empty if none was, or if the network has no code of its own."""
    if not has_own_code(architecture):
        return ""
    noted = CodeFolder.objects.filter(module=_name_package(architecture)).first()
    return noted.folder if noted else ""


def _name_package(architecture: str) -> str:
    return name_module(architecture).partition(".")[0]


def _find_folder(architecture: str) -> Path | None:
    """The caller's folder, or the first on Python's path, that holds the module; None if Unitscope's own does."""
    if not has_own_code(architecture):
        return None
    name = _name_package(architecture)
    folders = [Path.cwd(), *(Path(one) for one in sys.path if one)]
    found = next((one.resolve() for one in folders if (one / f"{name}.py").is_file() or (one / name).is_dir()), None)
    is_everywhere = found is None or found == settings.BASE_DIR or "site-packages" in found.parts
    return None if is_everywhere else found
