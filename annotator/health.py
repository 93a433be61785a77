"""Whether this process can do its work: it reaches the database. `python -m annotator.health PORT URL_NAME` asks it
from beside it, under the host name that the variable URL_NAME holds."""

import os
import sys
from urllib.parse import urlsplit

from django.db import connection
from django.http import HttpRequest, JsonResponse

from annotator.processes import is_healthy


def show_health(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; for load balancers and the start of the processes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


if __name__ == "__main__":
    url, host = f"http://127.0.0.1:{sys.argv[1]}/healthz", urlsplit(os.environ[sys.argv[2]]).netloc
    sys.exit(0 if is_healthy(url, host=host) else 1)
