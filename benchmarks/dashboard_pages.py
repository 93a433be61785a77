"""The dashboard at 50,000 units, 3,000,000 crops and 1,000,000 answers against a hundredth of that, and exports.

Prints for each page the 95th percentile of its answering time on the large data as a multiple of that on the small, and
the most memory that a process takes which streams every answer. `--units N --requests N` make it smaller. Two web
processes, one on each data, answer in turns: whatever else the machine does meets both alike.
"""

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from django.test import Client

N_UNITS, SMALLER = 50_000, 100
N_REQUESTS = 40
EXPORT, SERVE = "--export", "--serve"


def list_pages(n_units: int) -> dict[str, Callable[[int], str]]:
    """Each page, and the address of its k-th request: no request finds what the one before it left warm."""

    def unit(k: int) -> str:
        number = k * 7919 % n_units
        return f"/units/generated/block.{number // 500}/{number % 500}/"

    return {
        "home": lambda k: "/",
        "gallery": lambda k: f"/units/?page={k % 8 + 1}",
        "gallery-by-concept": lambda k: f"/units/?concept={['wheel', 'brick', 'sea', 'sign'][k % 4]}&page={k % 3 + 1}",
        "gallery-by-layer": lambda k: f"/units/?network=generated&layer=block.{k % max(1, n_units // 500)}",
        "gallery-by-precision": lambda k: f"/units/?sort=precision&precision_min=0.{k % 5 + 4}&iou_min=0.05",
        "gallery-review": lambda k: f"/units/?review=on&sort=least-precise&page={k % 3 + 1}",
        "unit": unit,
        "review": lambda k: "/review/",
        "review-one": lambda k: f"/review/generated/{k * 7919 % n_units + 1}/?evidence=1",
        "campaign": lambda k: f"/campaigns/generated/?page={k % 8 + 1}",
        "answers": lambda k: (
            f"/campaigns/generated/answers/?page={k % 8 + 1}&sort={['unit', '-time', 'person'][k % 3]}"
        ),
        "similar": lambda k: f"{unit(k)}similar/",
        "similar-part": lambda k: f"{unit(k)}similar/",
        "beside": lambda k: "/units/beside/?" + "&".join(f"unit={unit(k + i)[7:-1]}" for i in range(4)),
        "layer": lambda k: f"/layers/generated/block.{k % max(1, n_units // 500)}/",
        "layers": lambda k: "/layers/generated/",
        "best-units": lambda k: "/layers/",
        "crop": lambda k: f"{unit(k)}crops/{k % 57}/",
        "image": lambda k: f"/images/generated/{k * 37 % 2000}/",
        "walk": lambda k: f"{unit(k)}walk/",
        "methods": lambda k: "/methods/",
        "crowd": lambda k: "/crowd/",
        "notes": lambda k: f"/notes/?page={k % 3 + 1}",
        "gallery-by-tag": lambda k: f"/units/?tag={['wheel', 'sea', 'sign'][k % 3]}",
        # What a guest sees who opens a link to this page.
        "shared": unit,
        "studies": lambda k: "/studies/",
        "readouts": lambda k: "/readouts/",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=N_UNITS)
    parser.add_argument("--requests", type=int, default=N_REQUESTS, help="of each page")
    parser.add_argument("--only", nargs="*", default=[], metavar="PAGE", help="these pages; default: all")
    parser.add_argument(EXPORT, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(SERVE, type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.export:
        return _export()
    if asked.serve:
        return _serve(asked.serve)
    from annotator import embedded

    with tempfile.TemporaryDirectory(prefix="unitscope-bench-") as folder:
        # Never the database that somebody works with.
        os.environ["UNITSCOPE_VAR"] = folder
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        with embedded.in_environment():
            _measure(asked.units, asked.requests, only=asked.only)
    return 0


def _measure(n_units: int, n_requests: int, *, only: list[str]) -> None:
    places = [_make_place("small", 1), dict(os.environ)]
    sizes = [n_units // SMALLER, n_units]
    with contextlib.ExitStack() as stack:
        webs = [stack.enter_context(_start(place, size)) for place, size in zip(places, sizes, strict=True)]
        for name in only or list_pages(n_units):
            seconds: list[list[float]] = [[], []]
            for k in range(n_requests + 1):
                for web, found in zip(webs, seconds, strict=True):
                    found.append(_ask(web, f"{name} {k}"))
            # The first request reads the templates, whatever the data.
            small, large = (quantiles(found[1:], n=20)[-1] for found in seconds)
            print(f"  {name}: p95 {1000 * small:.0f} and {1000 * large:.0f} ms", file=sys.stderr)
            print(f"dashboard-{name}-p95-ratio {large / small:.2f} <=3.00", flush=True)
    exported = subprocess.run(
        [sys.executable, "-m", "benchmarks.dashboard_pages", EXPORT], check=True, stdout=subprocess.PIPE, text=True
    )
    print(f"dashboard-export-peak-mb {exported.stdout.strip()} <=200", flush=True)


def _make_place(database: str, redis_number: int) -> dict[str, str]:
    """The environment of a web process with a database of its own on the same server."""
    import psycopg2

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{database}"')
    url = urlsplit(os.environ["DATABASE_URL"])
    redis = os.environ["REDIS_URL"].rsplit("/", 1)[0]
    return {
        **os.environ,
        "DATABASE_URL": url._replace(path=f"/{database}").geturl(),
        "REDIS_URL": f"{redis}/{redis_number}",
    }


@contextlib.contextmanager
def _start(place: dict[str, str], n_units: int) -> Iterator["subprocess.Popen[str]"]:
    """A process that has filled its database and answers one line, `page k`, by the seconds it took."""
    command = [sys.executable, "-m", "benchmarks.dashboard_pages", SERVE, str(n_units)]
    with subprocess.Popen(command, env=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as web:
        print(f"{n_units} units filled in {_ask(web, ''):.0f} s", file=sys.stderr)
        yield web


def _ask(web: "subprocess.Popen[str]", line: str) -> float:
    assert web.stdin is not None
    assert web.stdout is not None
    if line:
        print(line, file=web.stdin, flush=True)
    answer = web.stdout.readline()
    if not answer:
        raise SystemExit(f"The web process ended at: {line or 'filling'}")
    return float(answer)


def _serve(n_units: int) -> int:
    _set_up()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from annotator.accounts.sharing import share_page

    call_command("migrate", verbosity=0, run_syncdb=True)
    from benchmarks import _dashboard_rows

    began = time.monotonic()
    _dashboard_rows.fill(n_units=n_units)
    print(time.monotonic() - began, flush=True)
    client, guest, pages = _client(), Client(headers={"Host": "localhost"}), list_pages(n_units)

    def share(address: str) -> str:
        owner = User.objects.get(username="bench")
        key = share_page(address=address, actor=owner, life=timedelta(days=1), now=timezone.now())
        return f"/shared/{key}/"

    for line in sys.stdin:
        name, k = line.split()
        address = pages[name](int(k))
        headers = {"HX-Request": "true"} if name.endswith("-part") else {}
        asking = client if name != "shared" else guest
        address = address if name != "shared" else share(address)
        began = time.perf_counter()
        response = asking.get(address, headers=headers, follow=True)
        seconds = time.perf_counter() - began
        assert response.status_code == 200, (address, response.status_code)
        print(seconds, flush=True)
    return 0


def _client() -> "Client":
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    return client


def _export() -> int:
    """In a process of its own: streams units and answers and prints the most memory it took, in MB."""
    _set_up()
    client = _client()
    n_bytes = 0
    for address in ("/api/campaigns/generated/units", "/api/campaigns/generated/answers"):
        response: Any = client.get(address)
        for piece in response.streaming_content:
            n_bytes += len(piece)
    assert n_bytes > 0
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    return 0


def _set_up() -> None:
    import django

    sys.path.insert(0, str(Path(__file__).parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    django.setup()


if __name__ == "__main__":
    sys.exit(main())
