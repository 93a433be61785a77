#!/usr/bin/env python
"""Django's command line, in a checkout; installed, it is `unitscope`."""

import sys

from annotator.command import manage

if __name__ == "__main__":
    sys.exit(manage("manage.py"))
