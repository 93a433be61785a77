"""A response that never arrives: the connection is cut after the act was committed."""

import socket
from typing import Any

from django.http import HttpRequest


def cut_connection(request: HttpRequest) -> None:
    """Shut the client's socket, under gunicorn as under Python's own server; what is written after it goes nowhere."""
    connection = request.META.get("gunicorn.socket") or _behind(request.META.get("wsgi.input"))
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)


def _behind(stream: Any) -> Any:
    """The socket under a chain of buffered readers."""
    for _ in range(5):
        if stream is None or isinstance(stream, socket.socket):
            return stream
        stream = next(
            (found for name in ("_sock", "raw", "stream", "buffer") if (found := getattr(stream, name, None))), None
        )
    return None
