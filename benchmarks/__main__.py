"""Runs every benchmark: `make bench`. Each is a module of this folder and prints lines `name value bound`."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def is_met(value: float, bound: str) -> bool:
    limit = float(bound[2:])
    return value <= limit if bound.startswith("<=") else value >= limit


def main(names: list[str]) -> int:
    missed = 0
    for path in sorted(HERE.glob("*.py")):
        if path.stem.startswith("_") or (names and path.stem not in names):
            continue
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{path.stem}"],
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{path.stem} failed with exit status {done.returncode}.", file=sys.stderr)
            missed += 1
        for line in done.stdout.splitlines():
            fields = line.split()
            print(line, flush=True)
            if len(fields) == 3 and fields[2][:2] in ("<=", ">=") and not is_met(float(fields[1]), fields[2]):
                print(f"{fields[0]} misses its bound.", file=sys.stderr)
                missed += 1
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
