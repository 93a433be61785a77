"""Send a saved dissection to an installation of Unitscope, in pieces that continue where they broke off."""

import hashlib
import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from workers.contract import MAX_UPLOAD_BYTES

PIECE_BYTES = 1 << 20
TRIES, PAUSE_SECONDS, MAX_PAUSE_SECONDS = 5, 2.0, 60.0
TIMEOUT_SECONDS = 330.0
# A server that is busy or starting; other answers would come again.
MAY_PASS = (429, 500, 502, 503, 504)

Progress = Callable[[int, int], None]


class CannotPublish(Exception):
    """The installation refuses or does not answer; the message says what to do."""


@dataclass(frozen=True)
class Published:
    """Where the dissection's page is."""

    address: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.address}"


def publish(path: Path, *, url: str, token: str, images_name: str, progress: Progress) -> Published:
    """Send the file. `progress` gets bytes sent and bytes in all. Raises CannotPublish."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CannotPublish(f"{url!r} is no address such as http://localhost:8000.")
    root = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    with path.open("rb") as file:
        digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    if size > MAX_UPLOAD_BYTES:
        raise CannotPublish(f"The dissection has {size >> 20:,} MB, and at most {MAX_UPLOAD_BYTES >> 20:,} are taken.")
    place = f"{root}/api/dissections/uploads/{digest}"
    received = int(_ask("GET", place, token)["received"])
    with path.open("rb") as file:
        while received < size:
            progress(received, size)
            file.seek(received)
            where = urlencode({"offset": received})
            now = int(_ask("POST", f"{place}/pieces?{where}", token, file.read(PIECE_BYTES))["received"])
            if now == received:
                raise CannotPublish(f"{root} takes no more pieces of the file.")
            received = now
    progress(size, size)
    told = _ask("POST", f"{place}/publish?{urlencode({'images_name': images_name})}", token)
    return Published(address=f"{root}{told['address']}", sentence=str(told["sentence"]))


def _ask(method: str, address: str, token: str, body: bytes = b"") -> dict[str, Any]:
    """The answer's JSON, after some tries if the server does not answer; `publish` has checked the address.

    Raises CannotPublish.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    for n_tried in range(1, TRIES + 1):
        pause = PAUSE_SECONDS * n_tried
        try:
            request = Request(address, data=body if method != "GET" else None, headers=headers, method=method)  # noqa: S310
            with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
                found = json.load(response)
                return found if isinstance(found, dict) else {}
        except HTTPError as error:
            said = _read_problem(error)
            if error.code not in MAY_PASS or n_tried == TRIES:
                raise CannotPublish(said) from None
            pause = min(MAX_PAUSE_SECONDS, float(error.headers.get("Retry-After") or pause))
        except (URLError, OSError, http.client.HTTPException, ValueError) as error:
            if n_tried == TRIES:
                server = urlsplit(address).netloc
                raise CannotPublish(f"{server} does not answer as Unitscope does: {error}. Try again later.") from None
        time.sleep(pause)
    raise AssertionError


def _read_problem(error: HTTPError) -> str:
    """What the server says, in a sentence."""
    try:
        detail = json.loads(error.read())["detail"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        detail = error.reason
    if error.code == 401:
        detail = "The token is unknown, revoked or too old: issue one that may act on the page People and tokens."
    return f"{detail if isinstance(detail, str) else json.dumps(detail)[:300]} (HTTP {error.code})"
