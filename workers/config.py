"""Settings of the Celery application and of the GPU process, from the environment."""

import os
import re
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.data import data_folder


class BadValue(Exception):
    """An environment variable cannot be understood; the message names it."""


def _read(name: str, meaning: str, *, default: str) -> str:
    """`meaning` is what docs/settings.md says of the variable."""
    return os.environ.get(name) or default


broker_url = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
# The database and the artifact store keep every result; the broker carries hints only.
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]
# Acknowledged when it begins: a task lost with its process is sent again by the sweeper, which counts attempts.
task_acks_late = False
worker_prefetch_multiplier = 1
task_default_queue = "web"
task_routes = {"workers.tasks.*": {"queue": "gpu"}}
timezone = "UTC"
broker_connection_retry_on_startup = True
worker_hijack_root_logger = False
# Whoever waits for tasks goes on waiting for the broker, however long it is away.
broker_connection_max_retries = None
# A broker that is down is said at once to whoever sends; the sweeper sends later.
broker_transport_options = {"socket_connect_timeout": 2, "socket_timeout": 5}
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0}
# Of every other client of the broker: a connection that a restart has ended is opened again, and nobody waits longer.
VALKEY_OPTIONS: dict[str, Any] = {
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
}


def cache_folder() -> Path:
    """Where the GPU process keeps what it fetched from s3:// and labels that it read."""
    given = _read(
        "UNITSCOPE_CACHE",
        "A GPU process's own folder: what it fetched from s3://, arrays it spills, and packed labels of image sets. "
        "It may be emptied while no task runs. Default: VAR/cache.",
        default="",
    )
    return Path(given) if given else data_folder() / "cache"


def max_fetched_bytes() -> int:
    """How much of what was fetched from s3:// is kept at most."""
    stated = _read(
        "UNITSCOPE_CACHE_GB",
        "How many GB of weights and images from s3:// a GPU process keeps at most in its cache. What was used longest "
        "ago is removed first; an image set that is larger is refused.",
        default="100",
    )
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}", stated):
        raise BadValue(f"UNITSCOPE_CACHE_GB must be a number of GB, such as 100 or 0.5, not {stated!r}.")
    return int(float(stated) * 1e9)


def check_settings() -> None:
    """Raises BadValue. For when a process begins."""
    max_fetched_bytes()
    try:
        redis.ConnectionPool.from_url(broker_url)
    except ValueError:
        raise BadValue("REDIS_URL must be like redis://:PASSWORD@host:6379/0.") from None


def label_folder() -> Path:
    """Where the GPU process keeps the labels of image sets, packed; it may be emptied at any time."""
    return cache_folder() / "labels"


def zoo_folder() -> Path:
    """Where weights of published networks are kept once they are fetched."""
    return cache_folder() / "zoo"
