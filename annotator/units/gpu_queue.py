"""The web side of the gpu queue: sends tasks by name, reads leases and signs of life."""

import logging
import uuid
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from kombu.exceptions import OperationalError

from workers import contract
from workers.app import app
from workers.leases import connect

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GPUProcess:
    name: str
    device: str
    # Since its last sign of life.
    silent_seconds: float


def send(task_name: str, message: dict[str, Any]) -> None:
    """If the broker is unreachable, nothing is lost: the sweeper sends tasks again that have not begun."""
    try:
        app.send_task(task_name, args=[message], queue="gpu")
    except (OperationalError, OSError) as error:
        logger.warning("The broker does not take tasks (%s); they are sent when it does.", error)


def is_empty() -> bool:
    """True if the queue is empty; False if the broker is unreachable."""
    try:
        with connect(settings.REDIS_URL) as client:
            return not client.llen("gpu")
    except redis.RedisError:
        return False


def read_progress(dissection_id: uuid.UUID, position: int) -> contract.Progress | None:
    try:
        with connect(settings.REDIS_URL) as client:
            data = client.get(contract.lease_key(str(dissection_id), position))
    except redis.RedisError:
        return None
    return None if data is None else contract.Progress.loads(data)


def list_processes() -> list[GPUProcess]:
    """The GPU processes that gave a sign of life within the last seconds."""
    with connect(settings.REDIS_URL) as client:
        keys = sorted(client.scan_iter(match=f"{contract.GPU_PROCESS_KEY}*"))
        devices = client.mget(keys) if keys else []
        lives = [client.pttl(key) / 1000 for key in keys]
    prefix = len(contract.GPU_PROCESS_KEY)
    return [
        GPUProcess(key.decode()[prefix:], device.decode(), max(0.0, contract.ALIVE_SECONDS - life))
        for key, device, life in zip(keys, devices, lives, strict=True)
        if device
    ]
