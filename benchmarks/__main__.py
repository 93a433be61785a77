"""Runs every benchmark: `make bench`. Each is a module of this folder and prints lines `name value bound`.

`python -m benchmarks NAME ...` runs those; options after one name are that benchmark's own.
"""

import itertools
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def is_met(value: float, bound: str) -> bool:
    limit = float(bound[2:])
    return value <= limit if bound.startswith("<=") else value >= limit


def main(words: list[str]) -> int:
    names = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(names) :]
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    if (unknown := set(names) - set(known)) or (options and len(names) != 1):
        wrong = f"There is no benchmark {', '.join(sorted(unknown))}." if unknown else "Options are for one benchmark."
        print(f"{wrong} There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    missed = 0
    for name in names or known:
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *options],
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{name} failed with exit status {done.returncode}.", file=sys.stderr)
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
