"""Posts a message to an address that somebody typed, without reaching what only this machine can reach.

The name is looked up once, every address that it has must be public, and the connection goes to one of those that were
checked. Redirects are not followed, no proxy is asked, and the answer's body is not read. One deadline holds for all of
it, however slowly the other side answers.
"""

import contextlib
import http.client
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings

from annotator.refusals import Refusal

# From the look-up to the answer's status.
TIMEOUT_SECONDS = 10.0
# All that is given to hosts. What lies outside and leads to addresses of IPv4 may lead inside.
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
# Of a name or an address, as urlsplit gives it.
_HOST = re.compile(r"[a-z0-9._:-]+")


class AddressRefused(Refusal):
    """Nothing is sent to this address; the message says why."""


class NotTaken(Refusal):
    """The other side does not answer, or says no."""


class _Connection(http.client.HTTPSConnection):
    """To a host by one of its addresses; its certificate must be the host's."""

    def __init__(self, host: str, port: int, *, at: str, is_encrypted: bool, end: float) -> None:
        super().__init__(host, port)
        self._at, self._end, self._tls = at, end, ssl.create_default_context() if is_encrypted else None
        self.default_port = 443 if is_encrypted else 80

    def connect(self) -> None:
        self.sock = socket.create_connection((self._at, self.port), _find_left(self._end))
        if self._tls is not None:
            self.sock.settimeout(_find_left(self._end))  # of the whole handshake
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.settimeout(_find_left(self._end))

    def cut(self) -> None:
        """Ends what waits for the other side: a socket's timeout begins again with each byte that comes."""
        with contextlib.suppress(OSError):
            if self.sock is not None:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def check_address(address: str) -> None:
    """Looks nothing up. Raises AddressRefused."""
    _read(address)


def post(address: str, body: bytes, *, headers: Mapping[str, str]) -> None:
    """Raises AddressRefused, or NotTaken unless the answer's status is 2xx."""
    is_encrypted, host, port, path = _read(address)
    end = time.monotonic() + TIMEOUT_SECONDS
    connection = _Connection(host, port, at=_choose(host, port), is_encrypted=is_encrypted, end=end)
    timer = threading.Timer(end - time.monotonic(), connection.cut)
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", path, body, dict(headers))
        status = connection.getresponse().status
        _find_left(end)  # an answer that was cut off is none
    except (OSError, http.client.HTTPException) as error:
        why = f"within {TIMEOUT_SECONDS:g} s" if time.monotonic() >= end else f"({type(error).__name__})"
        raise NotTaken(f"{host} does not answer {why}.") from error
    finally:
        timer.cancel()
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


def _find_left(end: float) -> float:
    """Seconds until then. Raises TimeoutError if there are none."""
    if (left := end - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _choose(host: str, port: int) -> str:
    """One of the host's addresses. Raises AddressRefused if there is none, or if any of them is not public: in the same
    words, so that nobody learns which names there are inside.
    """
    addresses = _look_up(host, port)
    if settings.NOTICES_MAY_BE_INTERNAL and not addresses:
        raise AddressRefused(f"{host} cannot be found.")
    if not settings.NOTICES_MAY_BE_INTERNAL and not (addresses and all(map(_is_public, addresses))):
        raise AddressRefused(
            f"{host} cannot be found, or is inside a network: only public addresses are posted to, unless "
            "NOTICES_MAY_BE_INTERNAL is set."
        )
    return addresses[0]


def _look_up(host: str, port: int) -> list[str]:
    """Addresses; none if they cannot be found in time. The system's look-up has no limit of its own: it is waited for
    in another thread.
    """
    found: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def look_up() -> None:
        with contextlib.suppress(OSError):
            found.put([str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
            return
        found.put([])

    threading.Thread(target=look_up, daemon=True).start()
    try:
        return found.get(timeout=TIMEOUT_SECONDS)
    except queue.Empty:
        return []


def _is_public(address: str) -> bool:
    read = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(read, "ipv4_mapped", None) or getattr(read, "sixtofour", None) or read
    if isinstance(inner, ipaddress.IPv6Address) and inner not in _PUBLIC_IPV6:
        return False
    return inner.is_global and not inner.is_multicast
