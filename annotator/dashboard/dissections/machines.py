"""Signs of life of the GPU processes and the lengths of both queues, read from the broker."""

from dataclasses import dataclass

import redis
from django.conf import settings

from annotator.units.gpu_queue import GPUProcess, list_processes


@dataclass(frozen=True)
class Machines:
    """`is_reachable` is False when the broker does not answer; nothing else is then known."""

    is_reachable: bool
    processes: list[GPUProcess]
    n_waiting_gpu: int = 0
    n_waiting_web: int = 0


def read_machines() -> Machines:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            lengths = [int(client.llen(queue)) for queue in ("gpu", "web")]
        return Machines(True, list_processes(), *lengths)
    except redis.RedisError:
        return Machines(False, [])
