"""A tiny network that takes a while, so that a GPU process renews its lease many times."""

import os
import time
from typing import Any

from torch import nn

from tests.workers.engine import making

SECONDS_A_BATCH = float(os.environ.get("UNITSCOPE_BATCH_SECONDS", "2"))


def slow_module() -> nn.Module:
    module = making.tiny_module()

    def wait(_: nn.Module, given: Any) -> None:
        if len(given[0]) == 1:  # the pass over the images, and no trial of the network
            time.sleep(SECONDS_A_BATCH)

    module.register_forward_pre_hook(wait)
    return module
