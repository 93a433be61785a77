"""Whether this process can do its work: it reaches the database. `python -m annotator.health PORT URL_NAME` asks it
from beside it, under the host name that the variable URL_NAME holds."""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from django.db import connection
from django.http import HttpRequest, JsonResponse


def show_health(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; for load balancers and the start of the processes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


def is_healthy(*, port: int, host: str) -> bool:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=4) as reply:  # noqa: S310  this machine
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(port=int(sys.argv[1]), host=urlsplit(os.environ[sys.argv[2]]).netloc) else 1)
