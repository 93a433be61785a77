"""A response that never arrives: the connection is cut after the act was committed."""

import socket

from django.http import HttpRequest


class CannotCut(Exception):
    """The server does not hand over its socket; gunicorn does."""


def cut_connection(request: HttpRequest) -> None:
    """Shut the client's socket; what is written after it goes nowhere. Raises CannotCut."""
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        raise CannotCut("Lost responses need gunicorn, which puts its socket into the request.")
    connection.shutdown(socket.SHUT_RDWR)
