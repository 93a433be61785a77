"""Whether this machine's GPU process shows signs of life, also while it measures: `python -m workers.alive`.

Exit status 0 if a process of this host name wrote its sign into Valkey within the last `contract.ALIVE_SECONDS`.
"""

import socket
import sys

from redis import RedisError

from workers import config, contract, leases


def is_alive() -> bool:
    """False also if Valkey does not answer: without it the process gets no work."""
    try:
        with leases.connect(config.broker_url) as client:
            return any(client.scan_iter(f"{contract.GPU_PROCESS_KEY}{socket.gethostname()}:*", count=1000))
    except RedisError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_alive() else 1)
