"""Slow and oversized requests to the running web process: nobody else notices them."""

import contextlib
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from annotator.buffering_worker import MAX_BODY_BYTES
from annotator.processes import is_healthy
from tools.apart import run_apart

HEAD = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    var: Path = tmp_path_factory.mktemp("slow")
    with run_apart(var, names=("web",)) as processes:
        yield processes.urls["web"]


@contextlib.contextmanager
def connect(web: str) -> Iterator[socket.socket]:
    parts = urlsplit(web)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30) as opened:
        yield opened


def receive(opened: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return opened.recv(65536)
    return b""


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HT",
        HEAD + b"Content-Length: 5000\r\n\r\nusername=",
        HEAD + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 60000000\r\n\r\n--x",
    ],
    ids=["nothing", "half a line", "half a form", "half a file"],
)
def test_forty_slow_clients_stop_nobody(web: str, begun: bytes) -> None:
    with contextlib.ExitStack() as slow:
        for _ in range(40):
            slow.enter_context(connect(web)).sendall(begun)
        time.sleep(1)
        assert all(is_healthy(f"{web}/healthz") for _ in range(3))
        with urllib.request.urlopen(f"{web}/sign-in/", timeout=4) as page:
            assert page.status == 200


def test_a_request_that_does_not_arrive_is_ended(web: str) -> None:
    with connect(web) as opened:
        opened.sendall(b"GET / HT")
        assert receive(opened).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), b"413"),
        (HEAD + b"Content-Length: 50000000\r\n\r\nx", b"413"),
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
        while b"HTTP/1.1 403 " not in seen:
            more = receive(opened)
            assert more
            seen += more
        assert b"open for too long" in seen + receive(opened)
