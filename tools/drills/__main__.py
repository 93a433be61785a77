"""The long fault and load drills: `make drill`. Each result is stored; after an interruption the rest is run.

`python -m tools.drills [NAME ...]` runs the named ones again; `--list` lists the names. Results are written to
docs/drills.md.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
KEPT = ROOT / "var" / "drills" / "results.json"
PAGE = ROOT / "docs" / "drills.md"

HEAD = (
    "# Drills\nLong fault and load drills. `make drill` runs them (`python -m tools.drills NAME` runs one) and"
    " writes this page.\nThe test suite runs each in a reduced form.\n\n"
    "| drill | outcome | what was seen | minutes | date |\n| --- | --- | --- | --- | --- |\n"
)
ROWS_FROM = HEAD.count("\n")

Drill = Callable[[], str]


def find_drills() -> dict[str, Drill]:
    """`DRILLS` of every module here: a drill returns one line of result or raises AssertionError."""
    found: dict[str, Drill] = {}
    for path in sorted(HERE.glob("*.py")):
        if not path.stem.startswith("_"):
            found.update(importlib.import_module(f"tools.drills.{path.stem}").DRILLS)
    return found


def run(name: str, drill: Drill) -> dict[str, str]:
    began, started = time.monotonic(), datetime.now(UTC)
    try:
        outcome, result = "passed", drill()
    except AssertionError as error:
        outcome, result = "FAILED", " ".join(str(error).split())[:500]
    return {
        "outcome": outcome,
        "result": result,
        "date": f"{started:%Y-%m-%d}",
        "minutes": f"{(time.monotonic() - began) / 60:.1f}",
    }


def write_page(results: dict[str, dict[str, str]]) -> None:
    """The page's table; rows of drills that another machine ran stay."""
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in PAGE.read_text().splitlines()[ROWS_FROM:]}
    for name, entry in results.items():
        rows[name] = f"| {name} | {entry['outcome']} | {entry['result']} | {entry['minutes']} | {entry['date']} |"
    table = "\n".join(row for _, row in sorted(rows.items()))
    PAGE.write_text(f"{HEAD}{table}\n")


def main(names: list[str]) -> int:
    drills = find_drills()
    if names == ["--list"]:
        print("\n".join(drills))
        return 0
    if unknown := set(names) - set(drills):
        print(f"There is no drill {', '.join(sorted(unknown))}; see --list.", file=sys.stderr)
        return 2
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, str]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in names or [name for name in drills if results.get(name, {}).get("outcome") != "passed"]:
        print(f"{name} ...", flush=True)
        results[name] = run(name, drills[name])
        print(f"{name}: {results[name]['outcome']}: {results[name]['result']}", flush=True)
        KEPT.write_text(json.dumps(results, indent=2))
        write_page(results)
    return 1 if any(entry["outcome"] != "passed" for entry in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
