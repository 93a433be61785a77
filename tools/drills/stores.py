"""A storage endpoint that is silent, resets or answers 503 while people work: they go on, and crops come back."""

import contextlib
import json
import logging
import os
import shutil
import socket
import socketserver
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import boto3
from moto.server import ThreadedMotoServer

from annotator.processes import ROOT
from tools.apart import run_apart
from tools.drills.submissions import READ, Crowd, check_answers, read_secret, run_program

VAR = ROOT / "var" / "drills" / "stores"
FAULTS = ("silent", "reset", "503")
N_ROUNDS = int(os.environ.get("UNITSCOPE_STORE_FAULTS", "10"))
N_PEOPLE = 8
FAULT_SECONDS = 15
# A store that did not answer is asked again after ten seconds.
LIMIT_SECONDS = 120
BUCKET = "drill"
# What is full reads on, and takes nothing more.
FULL = "full"
SAID = b"<?xml version='1.0'?><Error><Code>InsufficientStorage</Code><Message>No space.</Message></Error>"
NO_SPACE = (
    b"HTTP/1.1 507 Insufficient Storage\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(SAID), SAID)
)
KEYS_OF_STORE = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}

# Each fault meets a HIT whose crops nobody has looked at: the web process keeps some that it has read. Prints the HITs.
PREPARE = """
import json, pathlib
from tests.annotator.crowd.making import make_campaign, make_dissection
from annotator.crowd.models import HIT
from annotator.units.models import Dissection
from workers.store import open_store
folder = pathlib.Path({folder!r})
dissection = make_dissection(folder, n_units={n})
campaign = make_campaign(dissection, name="faults")
there = open_store("s3://{bucket}/artifact")
for path in (folder / "artifact-net").rglob("*.jpg"):
    there.write(path.relative_to(folder / "artifact-net").as_posix(), path.read_bytes())
Dissection.objects.update(artifact_name="s3://{bucket}/artifact")
HIT.objects.update(state="published")
print(json.dumps([str(hit.public_id) for hit in campaign.hits.order_by("id")]))
"""


class Endpoint(socketserver.ThreadingTCPServer):
    """Passes everything to the store behind it, or has a fault, also on connections that are open."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind, self.fault = behind, ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Passing(socketserver.BaseRequestHandler):
    server: Endpoint

    def handle(self) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self.server.behind) as behind:
            back = threading.Thread(target=self._pass_back, args=(behind,), daemon=True)
            back.start()
            while sent := self.request.recv(65536):
                fault = self.server.fault
                if fault == "silent":
                    while self.server.fault == "silent":
                        time.sleep(0.1)
                elif fault == "reset":
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif fault == "503":
                    self.request.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                elif fault == FULL and sent.startswith(b"PUT "):
                    self.request.sendall(NO_SPACE)
                    return
                if fault and fault != FULL:
                    return
                behind.sendall(sent)

    def _pass_back(self, behind: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while got := behind.recv(65536):
                self.request.sendall(got)


@contextlib.contextmanager
def open_endpoint() -> Iterator[Endpoint]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    with Endpoint(store.get_host_and_port()) as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        yield endpoint
        endpoint.shutdown()
    store.stop()


def find_store(endpoint: Endpoint) -> dict[str, str]:
    """An empty bucket there, and the variables by which processes reach it."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint.url, **keys).create_bucket(Bucket=BUCKET)
    return {**KEYS_OF_STORE, "AWS_ENDPOINT_URL_S3": endpoint.url}


def look(crowd: Crowd, path: str) -> tuple[int, float]:
    """The status of a picture of crops, and the seconds that it took."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"{crowd.web}{path}", timeout=LIMIT_SECONDS) as answer:
            status = int(answer.status)
            answer.read()
    except urllib.error.HTTPError as error:
        status = error.code
    return status, time.monotonic() - began


def find_sheet(crowd: Crowd, assignment_id: str) -> str:
    """The address of the first sheet of crops of an assignment that is begun."""
    token = crowd.read_token(assignment_id, f"A{assignment_id}")
    return str(crowd.post("start", {"token": token, "consent": True})["sheets"][0])


def fail_in_turn() -> str:
    shutil.rmtree(VAR, ignore_errors=True)
    VAR.mkdir(parents=True)
    n_hits = 1 + N_ROUNDS * len(FAULTS)
    with open_endpoint() as endpoint:
        names = find_store(endpoint)
        with run_apart(VAR, names, names=("web",)) as processes:
            web, sandbox = processes.urls["web"], processes.addresses["sandbox_endpoint"].rstrip("/")
            prepared = run_program(processes, PREPARE.format(folder=str(VAR), n=n_hits, bucket=BUCKET))
            first, *others = json.loads(prepared)
            secret = read_secret(VAR)
            crowd = Crowd(web, sandbox, first, secret)
            people = [threading.Thread(target=crowd.work, args=(number,)) for number in range(N_PEOPLE)]
            for person in people:
                person.start()
            try:
                waits = [
                    meet(endpoint, crowd, Crowd(web, sandbox, public_id, secret), fault=FAULTS[number % len(FAULTS)])
                    for number, public_id in enumerate(others)
                ]
            finally:
                endpoint.fault = ""
                crowd.stop.set()
                for person in people:
                    person.join()
            processes.check()
            n_answers = check_answers(crowd, json.loads(run_program(processes, READ)))
    shutil.rmtree(VAR)
    assert not crowd.failed, f"Requests were refused: {dict(crowd.failed)}"
    slowest, longest = (max(column) for column in zip(*waits, strict=True))
    return (
        f"{N_ROUNDS} times each silent, reset, 503, with {N_PEOPLE} people: {n_answers} acknowledged answers, 0 "
        f"lost, 0 doubled, 0 stuck, 0 unhandled errors. A picture of crops was refused in words within {slowest:.0f} s "
        f"and shown within {longest:.0f} s after the end of the fault."
    )


def meet(endpoint: Endpoint, crowd: Crowd, looker: Crowd, *, fault: str) -> tuple[float, float]:
    """Seconds until crops were refused during the fault, and until they were shown after it."""
    sheet, n_before = find_sheet(looker, f"LOOK{looker.public_id[:8].upper()}"), len(crowd.acknowledged)
    endpoint.fault = fault
    began = time.monotonic()
    status, taken = look(looker, sheet)
    assert status == 503, f"{fault}: a picture of crops was answered with {status}."
    while time.monotonic() - began < FAULT_SECONDS or len(crowd.acknowledged) == n_before:
        assert not crowd.problems, crowd.problems[0]
        assert time.monotonic() - began < LIMIT_SECONDS, f"{fault}: nobody's answer was taken."
        time.sleep(0.2)
    endpoint.fault = ""
    ended = time.monotonic()
    while (status := look(looker, sheet)[0]) != 200:
        assert status == 503, f"after {fault}: a picture of crops was answered with {status}."
        assert time.monotonic() - ended < LIMIT_SECONDS, f"after {fault}: crops do not come back."
        time.sleep(1)
    return taken, time.monotonic() - ended


DRILLS: dict[str, Callable[[], str]] = {"storage-faults": fail_in_turn}
