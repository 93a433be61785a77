"""An object store that is full under a dissection: it pauses in words, and goes on to the same result later."""

import shutil
import time
from collections.abc import Callable

from numpy.random import default_rng

from annotator.processes import ROOT, Processes
from tests.workers.engine import making
from tools.apart import run_apart
from tools.drills.disks import LIMIT_SECONDS, N_IMAGES, dissect, finish, is_paused
from tools.drills.stores import BUCKET, FULL, Endpoint, find_store, open_endpoint

VAR = ROOT / "var" / "drills" / "store-full"


def fill_the_store() -> str:
    shutil.rmtree(VAR, ignore_errors=True)
    making.make_broden(VAR / "set", rng=default_rng(3), n_images=N_IMAGES)
    with open_endpoint() as endpoint:
        variables = find_store(endpoint) | {"ARTIFACT_ROOT": f"s3://{BUCKET}/artifacts"}
        with run_apart(VAR / "var", variables) as processes:
            said = meet_full(processes, endpoint)
    shutil.rmtree(VAR)
    return said


def meet_full(processes: Processes, endpoint: Endpoint) -> str:
    wanted = finish(dissect(processes, VAR / "set"))
    assert wanted is not None
    endpoint.fault = FULL
    began = time.monotonic()
    running = dissect(processes, VAR / "set")
    while not is_paused(processes):
        assert running.poll() is None, f"It ended while the store was full: {running.communicate()[1][-600:]}"
        assert time.monotonic() - began < LIMIT_SECONDS, "Nobody says that the store is full."
        time.sleep(1)
    paused = time.monotonic() - began
    processes.check()
    endpoint.fault = ""
    began = time.monotonic()
    found = finish(running)
    assert found is not None, "Refused although there is space."
    assert found["artifact_sha256"] == wanted["artifact_sha256"], "Another result."
    return (
        f"The object store took nothing more under a dissection: paused in words after {paused:.0f} s, the same result "
        f"{time.monotonic() - began:.0f} s after there was space; no traceback."
    )


DRILLS: dict[str, Callable[[], str]] = {"store-full": fill_the_store}
