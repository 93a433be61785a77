"""The GPU process's tasks: survey, measure one shard, merge. They have no database.

Each writes its result into the artifact store and then tells the web queue to look; a task whose result
exists returns at once, so any of them may run twice. Start with `celery -A workers.tasks worker -Q gpu --pool solo`.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from celery.signals import worker_ready, worker_shutdown

from workers import config, contract, leases, store
from workers.contract import TaskRequest

logger = logging.getLogger(__name__)
_signs_of_life = ExitStack()

Work = Callable[[TaskRequest, store.Store, leases.Reporter], dict[str, Any]]


@worker_ready.connect
def show_life(**_: object) -> None:
    """Dashboard and commands see this process for as long as it answers."""
    key = contract.GPU_PROCESS_KEY + leases.process_name()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    _signs_of_life.enter_context(
        leases.repeated(url=config.broker_url, act=lambda client: client.set(key, device, ex=contract.ALIVE_SECONDS))
    )


@worker_shutdown.connect
def end_life(**_: object) -> None:
    _signs_of_life.close()
    with leases.connect(config.broker_url) as client:
        client.delete(contract.GPU_PROCESS_KEY + leases.process_name())
