"""How the commands are called here: `manage.py NAME` in a checkout, `unitscope NAME` where the package is installed."""

import os
import shlex
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
IN_CHECKOUT = "manage.py"
PROGRAM = IN_CHECKOUT if (CHECKOUT / IN_CHECKOUT).exists() else "unitscope"

# Settings without which a command in another terminal would work on other data, or print other addresses.
MOVED_BY = ("UNITSCOPE_VAR", "WEB_PORT", "SANDBOX_PORT")


def name_command(arguments: str, *, in_full: bool = False) -> str:
    """A command as people type it. `in_full`: as it is typed in the checkout's folder from another terminal, with the
    interpreter and the settings that moved this installation.
    """
    if not in_full:
        return f"{PROGRAM} {arguments}"
    usual = {"UNITSCOPE_VAR": str(CHECKOUT / "var")}
    given = {name: os.environ.get(name, "") for name in MOVED_BY}
    moved = [f"{name}={shlex.quote(value)}" for name, value in given.items() if value not in ("", usual.get(name))]
    python = ".venv/bin/python " if PROGRAM == IN_CHECKOUT else ""
    return " ".join([*moved, f"{python}{PROGRAM} {arguments}"])
