"""The command line: `unitscope NAME`, and `manage.py NAME` in a checkout. The list of commands loads nothing of Django.

`unitscope demo` and `unitscope up` start all services, as `make demo` and `make up` do.
"""

import ast
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
HELP = ("", "help", "--help", "-h")
# These start the services and all processes first. `manage.py demo` needs them to run already.
SERVING = ("demo", "up")
SERVING_WORDS = {
    "up": "All services in the foreground, until Ctrl-C.",
    "demo": "The whole job on rendered images and simulated people, then served until Ctrl-C (--stop: it ends then).",
}


def main() -> int:
    """The console script."""
    name, *rest = sys.argv[1:] or [""]
    if name in HELP and not rest:
        print(list_commands())
        return 0
    if name in SERVING and not {"-h", "--help"} & set(rest):
        return _guard(lambda: _serve(name, rest))
    return manage("unitscope")


def manage(program: str) -> int:
    """Django's command line. Where no DATABASE_URL and REDIS_URL are set it uses the embedded services."""
    return _guard(lambda: _manage(program))


def _manage(program: str) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    from annotator import embedded

    with embedded.in_environment():
        from django.core.management import execute_from_command_line

        execute_from_command_line([program, *sys.argv[1:]])
    return 0


def _serve(name: str, rest: list[str]) -> int:
    from annotator import serving

    stop = ["--stop"] if "--stop" in rest else []
    after = ["--then", "demo", *(one for one in rest if one != "--stop")] if name == "demo" else rest
    sys.argv[1:] = [*stop, *after]
    return serving.main()


def _guard(act: Callable[[], int]) -> int:
    """Its exit status; what a person can mend is one sentence and status 2."""
    from annotator import env, postgres

    try:
        return act()
    except (env.BadSetting, postgres.EmbeddedServiceFailed) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from annotator.commanding import explain

        sentence = explain(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 2


def list_commands() -> str:
    """One line a command, by the first sentence of its module."""
    lines = ["unitscope NAME ...; `unitscope NAME --help` says more.", ""]
    said = dict(_find_commands()) | SERVING_WORDS
    width = max(len(name) for name in said)
    return "\n".join([*lines, *(f"  {name:{width}}  {said[name]}" for name in sorted(said))])


def _find_commands() -> Iterator[tuple[str, str]]:
    for path in sorted(HERE.glob("*/management/commands/*.py")):
        if not path.name.startswith("_"):
            described = ast.get_docstring(ast.parse(path.read_text())) or ""
            first = described.split("\n")[0].rpartition("`: ")[2]
            yield path.stem, first[:1].upper() + first[1:]
