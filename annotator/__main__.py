"""`python -m annotator`: the commands, wherever the package is installed."""

import sys

from annotator.command import manage

if __name__ == "__main__":
    sys.exit(manage("manage.py"))
