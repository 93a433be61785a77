"""Posts a message to an address that somebody typed, without reaching what only this machine can reach.

The name is looked up once, every address that it has must be public, and the connection goes to one of those that were
checked. Redirects are not followed, no proxy is asked, and the answer's body is not read.
"""

import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings

from annotator.refusals import Refusal

TIMEOUT_SECONDS = 10
# Of a name or an address, as urlsplit gives it.
_HOST = re.compile(r"[a-z0-9._:-]+")


class AddressRefused(Refusal):
    """Nothing is sent to this address; the message says why."""


class NotTaken(Refusal):
    """The other side does not answer, or says no."""


class _Connection(http.client.HTTPSConnection):
    """To a host by one of its addresses; its certificate must be the host's."""

    def __init__(self, host: str, port: int, *, at: str, is_encrypted: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS)
        self._at, self._tls = at, ssl.create_default_context() if is_encrypted else None
        self.default_port = 443 if is_encrypted else 80

    def connect(self) -> None:
        self.sock = socket.create_connection((self._at, self.port), self.timeout)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)


def check_address(address: str) -> None:
    """Looks nothing up. Raises AddressRefused."""
    _read(address)


def post(address: str, body: bytes, *, headers: Mapping[str, str]) -> None:
    """Raises AddressRefused, or NotTaken unless the answer's status is 2xx."""
    is_encrypted, host, port, path = _read(address)
    connection = _Connection(host, port, at=_look_up(host, port), is_encrypted=is_encrypted)
    try:
        connection.request("POST", path, body, dict(headers))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NotTaken(f"{host} does not answer ({type(error).__name__}).") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotTaken(f"{host} answered with the status {status}.")


def _read(address: str) -> tuple[bool, str, int, str]:
    """(encrypted, host, port, path with query)."""
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise AddressRefused("This is no web address.") from None
    if not _HOST.fullmatch(host):
        raise AddressRefused("This is no web address.")
    allowed = ("https", "http") if settings.NOTICES_MAY_BE_INTERNAL else ("https",)
    if parts.scheme not in allowed:
        raise AddressRefused("A message is posted to an address that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("The address must hold no name and no password.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise AddressRefused("The address holds characters that must be escaped.")
    return parts.scheme == "https", host, port or (443 if parts.scheme == "https" else 80), path


def _look_up(host: str, port: int) -> str:
    """One of the host's addresses. Raises AddressRefused if any of them is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise NotTaken(f"{host} cannot be found.") from None
    addresses = [str(one[4][0]) for one in found]
    if not settings.NOTICES_MAY_BE_INTERNAL and not all(_is_public(one) for one in addresses):
        raise AddressRefused(f"{host} is an address inside a network: NOTICES_MAY_BE_INTERNAL is not set.")
    return addresses[0]


def _is_public(address: str) -> bool:
    read = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(read, "ipv4_mapped", None) or getattr(read, "sixtofour", None) or read
    return inner.is_global and not inner.is_multicast
