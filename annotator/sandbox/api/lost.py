"""A lost response: the connection is closed after the act was committed."""

import socket

from django.http import HttpRequest


class CannotCut(Exception):
    """The server does not give its socket to the application; gunicorn does."""


def cut_connection(request: HttpRequest) -> None:
    """Closes the client's socket; what is written afterwards is discarded. Raises CannotCut."""
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        raise CannotCut("Lost responses need gunicorn, which puts its socket into the request.")
    connection.shutdown(socket.SHUT_RDWR)
