"""Chromium for the browser tests: an installed one, else Debian's package, else Playwright's own download.

`python -m tools.browser` makes sure that there is one.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The installed browser's path; None means Playwright's own."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    if find_chromium():
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False, stdout=subprocess.DEVNULL)
        if find_chromium():
            return 0
    return subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
