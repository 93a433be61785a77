"""Known vulnerabilities of the locked packages, if the advisory service can be reached: `python -m tools.audit`."""

import subprocess
import sys
from pathlib import Path

from workers.engine.plurals import say_count

LOCK = Path(__file__).parent.parent / "requirements.lock"
# If pip-audit's error has one of these, it could not reach the service; it did not find a vulnerability.
UNREACHABLE = (
    "ConnectionError",
    "Max retries",
    "NameResolution",
    "ServiceError",
    "Connection refused",
    "timed out",
    "404",
    "403",
)


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
    try:
        done = subprocess.run([*command, "--timeout", "15"], capture_output=True, text=True, check=False, timeout=90)
    except subprocess.TimeoutExpired:
        print("pip-audit: its source does not answer here; not audited.")
        return 0
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        print("pip-audit: its source cannot be reached here; not audited.")
        return 0
    n_unknown = done.stdout.count("could not be audited")
    if n_unknown:
        print(
            f"pip-audit: {say_count(n_unknown, 'package is', 'packages are')} unknown to the advisory source reached "
            "here, and not audited."
        )
    if done.returncode:
        print(done.stdout, done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
