"""How the commands are called here: `manage.py NAME` in a checkout, `unitscope NAME` where the package is installed."""

from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
IN_CHECKOUT = "manage.py"
PROGRAM = IN_CHECKOUT if (CHECKOUT / IN_CHECKOUT).exists() else "unitscope"


def name_command(arguments: str, *, in_full: bool = False) -> str:
    """A command as people type it. `in_full`: as it is typed in the checkout's folder, the interpreter included."""
    python = ".venv/bin/python " if in_full and PROGRAM == IN_CHECKOUT else ""
    return f"{python}{PROGRAM} {arguments}"
