"""Slow and oversized requests to the running web process: nobody else notices them."""

import contextlib
import os
import socket
import struct
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from annotator.buffering_worker import BODY_SECONDS, MAX_HELD_BYTES, MAX_LARGE
from annotator.processes import Processes
from tools.apart import free_port

# Less than the times for which a slow client is waited for, so that a thread that waits fails the test.
PATIENCE = BODY_SECONDS - 2
HEAD = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Procfile's web process with the services of this test run; what is asked for here needs no table."""
    url = f"http://localhost:{free_port()}"
    environment = {**os.environ, "WEB_URL": url, "UNITSCOPE_VAR": str(tmp_path_factory.mktemp("slow"))}
    addresses = {"dashboard": url, "sandbox_endpoint": "http://127.0.0.1:1"}
    with Processes(environment, addresses=addresses, names=("web",)):
        yield url


@contextlib.contextmanager
def connect(web: str) -> Iterator[socket.socket]:
    parts = urlsplit(web)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30) as opened:
        yield opened


def receive(opened: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return opened.recv(65536)
    return b""


def receive_answer(opened: socket.socket) -> bytes:
    """Head and body, which may come apart."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        more = receive(opened)
        assert more, seen
        seen += more
    head, _, body = seen.partition(b"\r\n\r\n")
    (length,) = (
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        more = receive(opened)
        assert more, body
        body += more
    return head


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HT",
        HEAD + b"Content-Length: 5000\r\n\r\nusername=",
        HEAD + b"Content-Length: 00000000000000005000\r\n\r\nusername=",
        HEAD + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 60000000\r\n\r\n--x",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        HEAD + b"Content-Length: " + b"0" * 30_000 + b"x\r\n\r\n",
    ],
    ids=[
        "nothing", "half a line", "half a form", "half a form with a long length", "half a file",
        "no end of the connection", "a length of many zeros",
    ],
)  # fmt: skip
def test_forty_slow_clients_stop_nobody(web: str, begun: bytes) -> None:
    with contextlib.ExitStack() as slow:
        for _ in range(40):
            slow.enter_context(connect(web)).sendall(begun)
        for address in ("healthz", "sign-in/"):
            with urllib.request.urlopen(f"{web}/{address}", timeout=PATIENCE) as page:
                assert page.status == 200


def test_forty_clients_that_take_no_answer_stop_nobody(web: str) -> None:
    parts = urlsplit(web)
    asked = b"GET /static/unfold/css/styles.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.socket()) for _ in range(40)]
        for opened in slow:
            opened.settimeout(PATIENCE)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            opened.connect((parts.hostname or "", parts.port or 80))
            opened.sendall(20 * asked)
        # Each time, every client's next request comes to its turn. A few answers fit into the buffers of the kernel.
        for _ in range(20):
            with urllib.request.urlopen(f"{web}/sign-in/", timeout=PATIENCE) as page:
                assert page.status == 200


def test_clients_that_are_gone_before_they_may_send_their_body_end_no_process(web: str) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(web) as kept:
        kept.sendall(one)
        assert receive_answer(kept).startswith(b"HTTP/1.1 200 ")
        for _ in range(100):
            with connect(web) as opened:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                opened.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 50\r\n\r\n")
        kept.sendall(one)
        assert receive_answer(kept).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("n_bytes", [50_000_000, 70_000_000, 10**14])
def test_a_large_body_that_is_refused_is_not_waited_for(web: str, n_bytes: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_LARGE + 1):
            opened = stack.enter_context(connect(web))
            opened.sendall(HEAD + b"Content-Length: %d\r\n\r\nx" % n_bytes)
            seen = b""
            while more := receive(opened):
                seen += more
            assert seen.startswith(b"HTTP/1.1 413 ")
            assert b"This is larger than can be sent here" in seen


def test_many_half_bodies_stop_no_small_form(web: str) -> None:
    """Together they hold as much as may be held."""
    n_clients = MAX_HELD_BYTES // 1_001_000
    with contextlib.ExitStack() as stack:
        for _ in range(n_clients):
            opened = stack.enter_context(connect(web))
            opened.sendall(HEAD + b"Content-Length: 1040000\r\n\r\n" + b"x" * 1_001_000)
        opened = stack.enter_context(connect(web))
        opened.sendall(HEAD + b"Content-Length: 60000\r\n\r\n" + b"x" * 60_000)
        assert receive(opened).startswith(b"HTTP/1.1 403 ")


def test_a_request_that_does_not_arrive_is_ended(web: str) -> None:
    with connect(web) as opened:
        opened.sendall(b"GET / HT")
        assert receive(opened).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (HEAD + b"Content-Length: 50000000\r\n\r\nx", b"413"),
        (HEAD + b"content-length:\t00000000000050000000\r\n\r\nx", b"413"),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx", b"413"),
        (HEAD.replace(b"/sign-in/", b"/import/") + b"Content-Length: 50000000\r\n\r\nx", b"413"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, b"431"),
    ],
)
def test_what_is_too_large_is_refused_by_its_head(web: str, said: bytes, status: bytes) -> None:
    with connect(web) as opened:
        opened.sendall(said)
        assert receive(opened).startswith(b"HTTP/1.1 " + status)


def test_a_request_in_pieces_and_two_in_one_piece_are_answered(web: str) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(web) as opened:
        for byte in one:
            opened.sendall(bytes([byte]))
        assert receive(opened).startswith(b"HTTP/1.1 200 ")
        opened.sendall(one + one)
        seen = b""
        while seen.count(b"HTTP/1.1 200 ") < 2:
            more = receive(opened)
            assert more
            seen += more


def test_a_form_in_two_pieces_and_one_that_waits_for_a_sign_are_answered(web: str) -> None:
    with connect(web) as opened:
        opened.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        assert receive(opened).startswith(b"HTTP/1.1 100 ")
        opened.sendall(b"username=a")
        seen = b""
        while b"open for too long" not in seen:
            more = receive(opened)
            assert more
            seen += more
        assert b"HTTP/1.1 403 " in seen
