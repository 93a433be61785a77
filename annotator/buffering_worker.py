"""gunicorn's threads behind a loop that waits for slow clients: a thread gets a request when all of it has arrived.

The stock threaded worker reads in its threads, so as many slow clients as there are threads stop a site. Here the
worker's loop collects head and body, both bounded in size and time. Only a body over `MAX_BUFFERED_BYTES` is read by
a thread, at most `MAX_LARGE` at once, and the application refuses it before reading unless the person may send so much.
An answer fits into the kernel's buffer or is sent at `MIN_SEND_RATE`; a client that reads more slowly is cut off.

Why this is own code: gunicorn has no bound on the time of a body. Waitress, which also collects requests in its loop,
writes every body to disk before the application can refuse it, and bounds pauses, not the time of a whole request.
"""

import contextlib
import fcntl
import re
import selectors
import socket
import struct
import termios
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

MAX_HEAD_BYTES = 64 << 10
MAX_BUFFERED_BYTES = 1 << 20
MAX_LARGE = 2
HEAD_SECONDS = 10
BODY_SECONDS = 20
LARGE_SECONDS = 300
# What all connections together may have sent of requests that are not complete.
MAX_HELD_BYTES = 64 << 20
# The kernel grants about half a megabyte of it (net.core.wmem_max); what fits needs no thread that waits.
SEND_BUFFER_BYTES = 4 << 20
SEND_SECONDS = 30
MIN_SEND_RATE = 16 << 10
# An answer whose length is not known beforehand; only people who are signed in get such.
STREAM_SECONDS = 3600
# How long a client may take to close a connection that was ended here.
END_SECONDS = 2
_READ_BYTES = 64 << 10
# Nothing is given back that was matched: long runs of digits would take minutes.
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*+(\d++)[ \t]*+\r\n", re.IGNORECASE)
# int() refuses very long numbers.
_MAX_DIGITS = 15
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
REFUSALS = {
    408: ("Request Timeout", "The request took too long to arrive. Try again."),
    411: ("Length Required", "Send the length of the body."),
    413: ("Content Too Large", "The request is larger than can be sent."),
    431: ("Request Header Fields Too Large", "The head of the request is too long."),
    503: ("Service Unavailable", "Too much arrives at once. Try again in a minute."),
}


@dataclass
class _Arriving:
    """What has come of a request, and until when the rest is waited for."""

    deadline: float
    data: bytearray = field(default_factory=bytearray)
    has_head: bool = False
    # Complete, but the client has not yet taken the answer before it: a thread would wait for that.
    is_waiting: bool = False


class _Refused(Exception):
    """The request is answered with this status and never reaches the application."""

    def __init__(self, status: int) -> None:
        self.status = status


class _TimedSocket:
    """What gunicorn's reader asks for more of a large body; TimeoutError when the time for all of it is over."""

    def __init__(self, sock: socket.socket, *, seconds: float) -> None:
        self._sock, self._deadline = sock, time.monotonic() + seconds

    def recv(self, size: int) -> bytes:
        with selectors.DefaultSelector() as ready:
            ready.register(self._sock, selectors.EVENT_READ)
            if not ready.select(max(self._deadline - time.monotonic(), 0)):
                raise TimeoutError("The body did not arrive in time.")
        return self._sock.recv(size)


class BufferingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Overrides where the threaded worker would hand a connection to a thread."""

    wsgi: Any

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.arriving: dict[Any, _Arriving] = {}
        self.large: set[Any] = set()
        self.held_bytes = 0
        self.sending: dict[socket.socket, float] = {}
        self.ending: dict[Any, float] = {}

    def load_wsgi(self) -> None:
        """Wraps the application, so that the time for sending an answer runs from when the answer is there."""
        super().load_wsgi()
        self.wsgi = partial(self._answer, self.wsgi)

    def enqueue_req(self, conn: Any) -> None:
        """A connection that is new, or was kept alive and becomes readable."""
        conn.init()
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        conn.sock.setblocking(False)
        conn.parser.unreader.sock = conn.sock
        conn.data_ready = True
        early = bytearray(conn.parser.unreader.take_buffered())
        self.arriving[conn] = _Arriving(time.monotonic() + HEAD_SECONDS)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._read_more, conn))
        self._hold(conn, early)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Runs in a thread. What the application did not read of a large body is not waited for."""
        if conn in self.large:
            req.force_close()
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Called by the loop. The stock worker would wait here for each client that does not close its connection."""
        self.large.discard(conn)
        self.sending.pop(conn.sock, None)
        if fs.cancelled() or fs.exception() or not fs.result():
            self._end(conn)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Called each second: ends what did not arrive, or was not taken, in time."""
        super().murder_pending()
        now = time.monotonic()
        for sock in [sock for sock, deadline in self.sending.copy().items() if deadline < now]:
            self.sending.pop(sock, None)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for conn in [conn for conn, deadline in self.ending.items() if deadline < now]:
            self._close(conn)
        for conn in [conn for conn, seen in self.arriving.items() if seen.is_waiting]:
            self._look(conn)
        for conn in [conn for conn, seen in self.arriving.items() if seen.deadline < now or not self.alive]:
            self._refuse(conn, 408)

    def _answer(self, application: Any, asked: dict[str, Any], start_response: Any) -> Any:
        """Runs in a thread."""
        length = "0"

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal length
            length = next((value for name, value in headers if name.lower() == "content-length"), "")
            return start_response(status, headers, *error)

        body = application(asked, start)
        seconds = SEND_SECONDS + int(length) / MIN_SEND_RATE if length else STREAM_SECONDS
        self.sending[asked["gunicorn.socket"]] = time.monotonic() + seconds
        return body

    def _read_more(self, conn: Any, _: Any) -> None:
        if conn not in self.arriving:  # refused since the loop was told of it
            return
        try:
            more = conn.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self._forget(conn)
            self.nr_conns -= 1
            conn.close()
            return
        self._hold(conn, more)

    def _hold(self, conn: Any, more: bytes | bytearray) -> None:
        """Whoever holds most is refused if all hold too much: small requests go on."""
        self.arriving[conn].data += more
        self.held_bytes += len(more)
        if self.held_bytes > MAX_HELD_BYTES:
            self._refuse(max(self.arriving, key=lambda one: len(self.arriving[one].data)), 503)
        if conn in self.arriving:
            self._look(conn)

    def _look(self, conn: Any) -> None:
        """Hands the request to a thread if it is complete or large; refuses what is not to be waited for."""
        try:
            if not self._is_ready(conn):
                return
        except _Refused as refused:
            self._refuse(conn, refused.status)
            return
        seen = self.arriving[conn]
        seen.is_waiting = _count_unsent(conn.sock) > 0
        if seen.is_waiting:
            return
        conn.parser.unreader.unread(bytes(seen.data))
        self._forget(conn)
        super().enqueue_req(conn)

    def _is_ready(self, conn: Any) -> bool:
        seen = self.arriving[conn]
        arrived = seen.data
        if len(arrived) > MAX_HEAD_BYTES + 2 * MAX_BUFFERED_BYTES:
            raise _Refused(413)
        end = arrived.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(arrived) >= MAX_HEAD_BYTES:
                raise _Refused(431)
            return False
        head, n_body = bytes(arrived[: end + 2]), len(arrived) - end - 4
        if _CHUNKED.search(head):
            raise _Refused(411)
        found = _LENGTH.search(head)
        digits = found[1].lstrip(b"0") if found else b""
        if len(digits) > _MAX_DIGITS:
            raise _Refused(413)
        length = int(digits or b"0")
        if length > MAX_BUFFERED_BYTES:
            return self._admit_large(conn)
        if not seen.has_head:
            seen.has_head, seen.deadline = True, time.monotonic() + BODY_SECONDS
            if n_body < length and _EXPECTS.search(head):
                with contextlib.suppress(OSError):  # a client that is gone is noticed at the next reading
                    conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return n_body >= length

    def _admit_large(self, conn: Any) -> bool:
        if len(self.large) >= MAX_LARGE:
            raise _Refused(503)
        self.large.add(conn)
        conn.parser.unreader.sock = _TimedSocket(conn.sock, seconds=LARGE_SECONDS)
        return True

    def _refuse(self, conn: Any, status: int) -> None:
        self._forget(conn)
        phrase, words = REFUSALS[status]
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        answer = f"{head}Content-Length: {len(words)}\r\n\r\n{words}"
        with contextlib.suppress(OSError):
            conn.sock.send(answer.encode())
        self._end(conn)

    def _end(self, conn: Any) -> None:
        """Closes the connection when the client has: earlier, what it still sends would cut off the answer."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        self.ending[conn] = time.monotonic() + END_SECONDS
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drop_more, conn))

    def _drop_more(self, conn: Any, _: Any) -> None:
        try:
            is_closed = not conn.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            is_closed = True
        if is_closed:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        del self.ending[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: Any) -> None:
        self.held_bytes -= len(self.arriving.pop(conn).data)
        self.poller.unregister(conn.sock)


def _count_unsent(sock: socket.socket) -> int:
    """Bytes that the client has not acknowledged."""
    (count,) = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))
    return int(count)
