"""Python reads this at its start if the folder is in PYTHONPATH: the wall clock of the process is some seconds off."""

import os
import time

_wall, _shift = time.time, float(os.environ.get("UNITSCOPE_CLOCK_SHIFT", "0"))
time.time = lambda: _wall() + _shift
