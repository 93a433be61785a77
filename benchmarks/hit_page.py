"""Time to usable of the HIT page on a slow line, as a multiple of that of a bare page of the same bytes.

1.6 Mbit/s with 150 ms delay (Chromium's throttling), an empty cache, a person who agreed to the consent before. Usable:
the last of the crops has arrived. The bare page is a document with one picture, together as many bytes as all of the
HIT page's requests. The page is the real one; its crops of 128 px are smooth noise, as heavy as crops of photos.
"""

import contextlib
import http.server
import io
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

N_RUNS = 5
DELAY_MS = 150
BYTES_PER_SECOND = 1_600_000 / 8


def main() -> None:
    from annotator import embedded

    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNITSCOPE_VAR"] = folder
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        os.environ["DJANGO_SETTINGS_MODULE"] = "annotator.settings"
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        with embedded.in_environment():
            measure(Path(folder))


def measure(folder: Path) -> None:
    import django
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command
    from playwright.sync_api import sync_playwright

    from tools.browser import find_chromium

    django.setup()
    settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}  # tables as the models say
    call_command("migrate", run_syncdb=True, verbosity=0)
    address = make_page(folder)
    with serve_pages() as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        agree(browser, origin + address)
        n_bytes, page_ms = load(browser, origin + address, "body[data-ready]")
        with serve_bare(n_bytes) as bare:
            _, bare_ms = load(browser, bare, "img")
        browser.close()
    print(f"{n_bytes} bytes: page {page_ms:.0f} ms, bare page {bare_ms:.0f} ms (medians of {N_RUNS})")
    print(f"hit_page_bytes {n_bytes} <=1000000")
    print(f"hit_page_usable_over_bare_page {page_ms / bare_ms:.3f} <=1.30")


def make_page(folder: Path) -> str:
    """A campaign of one HIT, published as far as the page is concerned; its address for one worker."""
    from django.conf import settings

    from annotator.crowd.marketplaces.mturk.visits import sign_visit
    from tests.annotator.crowd import making

    making.draw_strip = draw_pictures  # crops that weigh what crops of pictures weigh
    dissection = making.make_dissection(folder, n_units=1, tile_px=128)
    hit = making.make_campaign(dissection).hits.get()
    secret = "the benchmark's"  # noqa: S105 (nothing is behind it)
    settings.MARKETPLACE_CREDENTIALS = {**settings.MARKETPLACE_CREDENTIALS, "own": ("A key", secret)}
    proof = sign_visit(secret=secret, assignment_id="A1", worker_id="AW1", hit_id="", expires=int(time.time()) + 3600)
    query = {"assignmentId": "A1", "hitId": "", "workerId": "AW1", "turkSubmitTo": settings.SANDBOX_URL}
    query["visitProof"] = proof
    return f"/hit/{hit.public_id}/?{urlencode(query)}"


def draw_pictures(*, seed: int, n_tiles: int, tile_px: int) -> bytes:
    """Smooth noise, dimmed outside a disk, as a strip of tiles."""
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[:tile_px, :tile_px]
    strip = Image.new("RGB", (tile_px, n_tiles * tile_px))
    for rank in range(n_tiles):
        coarse = Image.fromarray(draw.integers(0, 256, (tile_px // 4, tile_px // 4, 3), dtype=np.uint8))
        tile = np.asarray(coarse.resize((tile_px, tile_px), Image.Resampling.BICUBIC), dtype=float)
        tile += draw.normal(0, 12, tile.shape)
        row, column = draw.integers(30, tile_px - 30, 2)
        bright = ((rows - row) ** 2 + (columns - column) ** 2) < 40**2
        tile = np.where(bright[..., None], tile, tile * 0.2).clip(0, 255)
        strip.paste(Image.fromarray(tile.astype(np.uint8)), (0, rank * tile_px))
    encoded = io.BytesIO()
    strip.save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


@contextlib.contextmanager
def serve_pages() -> Iterator[str]:
    """The web's own application behind a threaded server."""
    from django.conf import settings
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    from annotator.wsgi import application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    settings.ALLOWED_HOSTS = ["*"]
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(application)
    with _running(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextlib.contextmanager
def serve_bare(n_bytes: int) -> Iterator[str]:
    """One document and one picture, together as heavy as the HIT page."""
    import numpy as np
    from PIL import Image

    small = io.BytesIO()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(small, "JPEG")
    document = b"<!DOCTYPE html><title>bare</title><img src='/p.jpg' width='64' height='64'>"
    picture = small.getvalue() + bytes(n_bytes - len(document) - len(small.getvalue()))  # decoders stop at its end

    class Bare(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = (picture, "image/jpeg") if self.path == "/p.jpg" else (document, "text/html")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bare)
    with _running(server):
        yield f"http://127.0.0.1:{server.server_port}/"


@contextlib.contextmanager
def _running(server: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def agree(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.click("#agree")
    page.wait_for_selector("body[data-ready]")
    page.close()


def load(browser: Any, address: str, selector: str) -> tuple[int, float]:
    """Bytes over the line, and the median of milliseconds until the selector is there and every picture is decoded."""
    times, n_bytes = [], 0
    for _ in range(N_RUNS):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        line = {
            "offline": False,
            "latency": DELAY_MS,
            "downloadThroughput": BYTES_PER_SECOND,
            "uploadThroughput": 94_000,
        }
        session.send("Network.emulateNetworkConditions", line)
        received: list[float] = []
        session.on("Network.loadingFinished", lambda event, kept=received: kept.append(event["encodedDataLength"]))
        page.goto(address, wait_until="commit")
        page.wait_for_selector(selector, timeout=60_000)
        page.wait_for_load_state("networkidle", timeout=60_000)
        # The last response's end, by the browser's own clock: what follows is the watching script's delay.
        times.append(page.evaluate("Math.max(...performance.getEntries().map(entry => entry.responseEnd || 0))"))
        n_bytes = int(sum(received))
        context.close()
    return n_bytes, statistics.median(times)


if __name__ == "__main__":
    main()
