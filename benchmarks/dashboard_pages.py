"""The dashboard at 50,000 units, 3,000,000 crops and 1,000,000 answers against a hundredth of that, and exports.

Prints for each page the 95th percentile of its answering time on the large data as a multiple of that on the small, and
the most memory that a process takes which streams every answer. `--units N --requests N` make it smaller.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

N_UNITS, SMALLER = 50_000, 100
N_REQUESTS = 40
EXPORT = "--export"


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
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=N_UNITS)
    parser.add_argument("--requests", type=int, default=N_REQUESTS, help="of each page")
    parser.add_argument(EXPORT, action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.export:
        return _export()
    with tempfile.TemporaryDirectory(prefix="unitscope-bench-") as folder:
        # Never the database that somebody works with.
        os.environ["UNITSCOPE_VAR"] = folder
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        _measure(asked.units, asked.requests)
    return 0


def _measure(n_units: int, n_requests: int) -> None:
    from annotator import embedded

    with embedded.in_environment():
        _set_up()
        small = _measure_pages(n_units // SMALLER, n_requests)
        large = _measure_pages(n_units, n_requests)
        for name, p95 in large.items():
            print(f"dashboard-{name}-p95-ratio {p95 / small[name]:.2f} <=3.00", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.dashboard_pages", EXPORT], check=True, stdout=subprocess.PIPE, text=True
        )
        print(f"dashboard-export-peak-mb {done.stdout.strip()} <=200", flush=True)
        from django.db import connections

        connections.close_all()


def _set_up() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, run_syncdb=True)


def _measure_pages(n_units: int, n_requests: int) -> dict[str, float]:
    from benchmarks import _dashboard_rows

    began = time.monotonic()
    _dashboard_rows.empty()
    _dashboard_rows.fill(n_units=n_units)
    print(f"{n_units} units filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
    client = _client()
    found = {}
    for name, address_of in list_pages(n_units).items():
        client.get(address_of(n_requests))  # templates are read once, whatever the data
        seconds = list(_time_requests(client, address_of, n_requests))
        found[name] = quantiles(seconds, n=20)[-1]
        print(f"  {name}: p95 {1000 * found[name]:.0f} ms", file=sys.stderr)
    return found


def _client():  # type: ignore[no-untyped-def]
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    return client


def _time_requests(client, address_of: Callable[[int], str], n_requests: int) -> Iterator[float]:  # type: ignore[no-untyped-def]
    for k in range(n_requests):
        began = time.perf_counter()
        response = client.get(address_of(k))
        yield time.perf_counter() - began
        assert response.status_code == 200, (address_of(k), response.status_code)


def _export() -> int:
    """In a process of its own: streams units and answers and prints the most memory it took, in MB."""
    _set_up_only()
    client = _client()
    n_bytes = 0
    for address in ("/api/campaigns/generated/units", "/api/campaigns/generated/answers"):
        for piece in client.get(address).streaming_content:
            n_bytes += len(piece)
    assert n_bytes > 0
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    return 0


def _set_up_only() -> None:
    import django

    sys.path.insert(0, str(Path(__file__).parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    django.setup()


if __name__ == "__main__":
    sys.exit(main())
