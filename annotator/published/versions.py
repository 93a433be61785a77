"""What wrote a file: the versions and, in a checkout, the commit."""

import platform
import subprocess
import tomllib

import django
import numpy as np
from django.conf import settings

# Of a commit with changes that are in no commit, git says "-dirty".
DESCRIBE = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
SECONDS = 10


def list_versions() -> dict[str, str | None]:
    """`commit` is None where there is no checkout."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    return {
        "unitscope": project["version"],
        "commit": _find_commit(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "numpy": np.__version__,
    }


def _find_commit() -> str | None:
    if not (settings.BASE_DIR / ".git").exists():
        return None
    try:
        done = subprocess.run(
            DESCRIBE, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True, timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
