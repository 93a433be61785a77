"""Where all data lies. Nothing else is read here: the embedded services ask before they set the broker's address."""

import os
from pathlib import Path


def _read(name: str, meaning: str, *, default: str) -> str:
    """`meaning` is what docs/settings.md says of the variable."""
    return os.environ.get(name) or default


def data_folder() -> Path:
    """Where all data lies: $UNITSCOPE_VAR, else `var/` beside manage.py; where that is not, in the person's folder."""
    given = _read(
        "UNITSCOPE_VAR",
        "The folder for all data, VAR on this page. Default: var/ in the checkout; for an installed package, "
        "unitscope/ in XDG_DATA_HOME or in ~/.local/share.",
        default="",
    )
    return Path(given or _default_folder()).resolve()


def _default_folder() -> Path:
    checkout = Path(__file__).parent.parent
    if (checkout / "manage.py").exists():
        return checkout / "var"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "unitscope"
