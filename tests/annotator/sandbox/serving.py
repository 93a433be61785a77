"""The sandbox for tests: over a real socket in a thread, or in this process beneath a real boto3 client."""

import contextlib
import functools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import WSGIServer
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.testcases import QuietWSGIRequestHandler

from annotator.sandbox import switchboard

URLCONF = "annotator.sandbox.urls"
ENDPOINT = "http://127.0.0.1:8001"
CONTENT = "http://content.localhost:8001"


class _SandboxHandler(WSGIHandler):
    """The whole site with the sandbox's addresses, whichever site the settings are for."""

    def get_response(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = URLCONF
        return super().get_response(request)


class _Handler(QuietWSGIRequestHandler):
    # One request a connection: a thread is never kept waiting by an idle client.
    protocol_version = "HTTP/1.0"

    def get_environ(self) -> dict[str, Any]:
        """With the connection where gunicorn puts it."""
        return {**super().get_environ(), "gunicorn.socket": self.connection}


class _Server(WSGIServer):
    """Threads that outlive a request, and with them their database connections, as under gunicorn."""

    N_THREADS = 8
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._pool = ThreadPoolExecutor(self.N_THREADS)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._pool.submit(self._serve_one, request, client_address)

    def _serve_one(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # a client that hung up is no news
        finally:
            self.shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        everybody = threading.Barrier(self.N_THREADS)
        for _ in range(self.N_THREADS):
            self._pool.submit(lambda: (everybody.wait(), connections.close_all()))
        self._pool.shutdown()


@contextlib.contextmanager
def sandbox_server(settings: Any) -> Iterator[str]:
    """The address of a running sandbox; `settings` is pytest-django's fixture, the database a transactional one."""
    settings.ALLOWED_HOSTS = ["*"]
    switchboard.forget()
    with _Server() as server:
        settings.SANDBOX_URL = f"http://127.0.0.1:{server.server_port}"
        settings.SANDBOX_CONTENT_URL = f"http://content.localhost:{server.server_port}"
        server.set_app(_SandboxHandler())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield settings.SANDBOX_URL
        finally:
            server.shutdown()
            thread.join()


def connect(*, endpoint: str, key: str, secret: str, n_retries: int = 0, **config: Any) -> Any:
    """A real boto3 client that does not repeat calls unless told to."""
    return boto3.client(
        "mturk", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": n_retries + 1, "mode": "standard"}, **config),
    )  # fmt: skip


class _Raw:
    """The body as urllib3 would hand it over."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **kwargs: Any) -> Iterator[bytes]:
        yield self.body

    def read(self) -> bytes:
        return self.body


@functools.cache
def _client() -> Client:
    """Kept, since it loads all middleware when it is first used; no cookie ever comes from the API."""
    return Client()


def answer_here(request: AWSPreparedRequest, **kwargs: Any) -> AWSResponse:
    """Botocore's before-send hook: the signed request goes to the sandbox in this process, with no socket between."""
    parts = urlsplit(request.url)
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    response = _client().generic(
        request.method, parts.path or "/", body, content_type=headers.pop("Content-Type", ""),
        headers={"Host": parts.netloc, **headers},
    )  # fmt: skip
    return AWSResponse(request.url, response.status_code, dict(response.headers), _Raw(response.content))


@functools.cache
def connect_here(*, key: str, secret: str) -> Any:
    """A real boto3 client whose requests are answered in this process, inside the test's transaction."""
    client = connect(endpoint=ENDPOINT, key=key, secret=secret)
    client.meta.events.register("before-send.mturk", answer_here)
    return client
