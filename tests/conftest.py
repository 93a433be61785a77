"""What every test may use: the shared material where it lies, and one browser."""

import atexit
import contextlib
import gc
import math
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from django.conf import settings
from django.core.cache import caches
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connection
from django.test import TransactionTestCase, override_settings
from playwright.sync_api import Browser, expect, sync_playwright
from whitenoise.middleware import WhiteNoiseMiddleware

from annotator.units.gpu_process import gpu_process_if_none, is_one_alive
from tools.browser import find_chromium
from workers import contract
from workers.app import app
from workers.config import VALKEY_OPTIONS
from workers.valkey import _away_until

# Every run draws the same examples, and no example is too slow for a busy machine.
hypothesis.settings.load_profile("ci")

# How long a silent Valkey is waited for in tests.
QUICKLY = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}
# What `migrate` wrote and no test changes.
KEPT_TABLES = {"django_content_type", "auth_permission", "django_migrations"}
# The threads of the live server, one for each connection, which ends with the browser that opened it; and how long the
# end is waited for where a test that failed has left its browser open.
_serving: set[threading.Thread] = set()
ANSWER_SECONDS = 10


def empty_tables(case: TransactionTestCase | None = None) -> None:
    """What Django does by truncating every table and writing permissions again, which takes 0.6 s a test and not 10 ms.

    As a replica, a session fires no triggers: neither foreign keys nor append-only tables stand in the way. What a page
    still asked for when its test ended is answered before: it would write rows into the next test.
    """
    for thread in list(_serving):
        thread.join(ANSWER_SECONDS)
    tables = sorted(set(connection.introspection.table_names()) - KEPT_TABLES)
    empty = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]  # noqa: S608
    roles = [f"SET session_replication_role = {role}" for role in ("replica", "DEFAULT")]
    with connection.cursor() as cursor:
        cursor.execute("; ".join([roles[0], *empty, roles[1]]))


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session", autouse=True)
def threads_of_the_live_server() -> Iterator[None]:
    serve = ThreadedWSGIServer.process_request_thread

    def serve_and_tell(*given: Any) -> None:
        _serving.add(threading.current_thread())
        try:
            serve(*given)
        finally:
            _serving.discard(threading.current_thread())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThreadedWSGIServer, "process_request_thread", serve_and_tell)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_hashing() -> Iterator[None]:
    """Passwords are hashed slowly on purpose: 0.3 s for each person that a test makes."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Each test client has middleware of its own, which would look through all folders of static files: 12 ms."""
    find, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, object]()

    def find_once(middleware: WhiteNoiseMiddleware) -> None:
        kept, middleware.files = middleware.files, {}
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files = kept | found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
        yield


@pytest.fixture(scope="session")
def valkey() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_counted(valkey: redis.Redis) -> None:
    """Requests are counted by address, campaigns by id: other tests have the same ones. So it is with messages that
    nobody took; where a GPU process lives, it takes them.
    """
    if not any(valkey.scan_iter(f"{contract.GPU_PROCESS_KEY}*")):
        valkey.delete("gpu", "web")
    if kept := valkey.keys(f"{caches['default'].make_key('')}*"):
        valkey.delete(*kept)


@pytest.fixture(scope="session", autouse=True)
def nothing_kept() -> Iterator[None]:
    """A machine that is busy keeps the counts of a campaign, and a test changes campaigns between two looks."""
    from annotator.dashboard.campaigns import counts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "NEVER_KEPT_SECONDS", math.inf)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The material that lies beside the checkout; a test that needs it is skipped where it is absent, never in CI."""
    folder = Path(os.environ.get("UNITSCOPE_SHARED") or Path(__file__).parent.parent.parent / "shared")
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is absent in CI.")
        pytest.skip(f"The shared test material is not at {folder}.")
    return folder


@pytest.fixture(autouse=True)
def services_are_asked() -> None:
    """Whatever an earlier test met, nobody waits before Valkey or a store is asked again."""
    from annotator.units import strips

    _away_until.clear()
    strips._asked_again_at.clear()


@pytest.fixture(params=["stopped", "silent"])
def without_valkey(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another Valkey's address, which refuses connections, or takes them and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "silent":
            server.listen(16)
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        kept = settings.CACHES["default"]
        caches = {"default": kept | {"LOCATION": url, "OPTIONS": kept["OPTIONS"] | QUICKLY}}
        monkeypatch.setitem(VALKEY_OPTIONS, "socket_timeout", QUICKLY["socket_timeout"])
        monkeypatch.setitem(app.conf, "broker_url", url)
        monkeypatch.setitem(app.conf, "broker_transport_options", QUICKLY)
        monkeypatch.setattr(app.amqp, "_producer_pool", None)
        with override_settings(REDIS_URL=url, CACHES=caches):
            yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a process: Playwright starts once in a thread and no second time beside it."""
    # It runs an event loop in this thread, and Django would refuse the tests' own queries beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    # As long as pages wait elsewhere: the machine has other tests to run meanwhile.
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=args, timeout=180_000)
        yield browser
        browser.close()


_gpu_process = contextlib.ExitStack()


@pytest.fixture(scope="module")
def gpu_process(django_db_setup: None) -> None:
    """Some GPU process works on the queue. Files that follow each other share one: starting torch takes 5 s."""
    if not is_one_alive():
        _gpu_process.close()
        _gpu_process.enter_context(gpu_process_if_none())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Who does not ask for the GPU process finds none."""
    if "gpu_process" not in getattr(item, "fixturenames", ()):
        _gpu_process.close()


def pytest_sessionfinish() -> None:
    _gpu_process.close()


@pytest.fixture(scope="module")
def s3_root() -> Iterator[str]:
    """moto's server, reached over HTTP like any S3-compatible store."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="unitscope")
        yield "s3://unitscope/some/prefix"
    server.stop()


# Files of slow tests, each some 10 to 60 s of a core: `make slow` runs them, `make test` runs all others.
SLOW = {
    "units/test_token_networks.py", "units/test_chance.py", "units/test_code_folders.py", "units/test_zoo_command.py",
    "units/test_versions.py", "units/test_image_set_versions.py", "units/test_merging_networks.py",
    "units/test_late_crops.py",
    "evidence/test_importance.py", "evidence/test_fitting.py", "evidence/test_heads.py",
    "commands/test_silent_units.py", "dashboard/test_odd_names.py", "published/test_backup.py",
    "published/test_publishing.py", "crowd/test_migrating.py", "sandbox/test_state_machine.py",
    "networks/test_receptive_field.py", "engine/test_resampling.py", "images/test_bombs.py",
    "workers/test_keeping.py", "workers/test_localizing.py", "annotator/test_serving.py",
    "workers/test_workplaces.py", "tests/test_package.py", "tests/test_embedded.py", "tests/test_without_torch.py",
    "flows/test_bad_input.py", "flows/test_leaks.py", "flows/test_simulated_people.py",
}  # fmt: skip
# Files that take longest, in this order, before all others: no process is left alone with one of them at the end. Those
# at the beginning share a GPU process with the file before.
FIRST = (
    "units/test_token_networks.py", "units/test_chance.py", "evidence/test_commands.py", "evidence/test_fitting.py",
    "evidence/test_importance.py", "units/test_late_crops.py", "units/test_code_folders.py",
    "outbox/test_performing.py", "units/test_dissect_command.py", "annotator/test_routes.py",
    "hit_templates/test_unit_semantics.py", "hit_templates/test_drafts.py", "tests/test_legacy.py",
    "page/test_claims.py", "dashboard/test_stories.py", "dashboard/test_odd_names.py",
    "sandbox/test_state_machine.py", "tests/test_package.py", "annotator/test_serving.py",
    "networks/test_receptive_field.py", "units/test_zoo_command.py", "units/test_versions.py", "tests/test_house.py",
    "hit_templates/test_comfort.py", "published/test_bundle.py", "published/test_backup.py",
    "campaigns/test_collecting.py", "marketplaces/test_prolific.py", "looking/test_looking_story.py",
    "published/test_bundle_refusals.py", "reports/test_files.py", "training/test_fit.py", "networks/test_map_axes.py",
    "sandbox/test_browser.py", "sandbox/test_frames.py", "judging/test_approving.py",
    "annotator/test_slow_clients.py", "campaigns/test_publishing.py", "published/test_published.py",
    "studies/test_study.py", "units/test_growing.py",
)  # fmt: skip


def _name(item: pytest.Item) -> str:
    return "/".join(item.path.parts[-2:])


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    if _name(item) in SLOW:
        item.add_marker(pytest.mark.slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pytest-randomly has shuffled them; the order within a file and among the others stays."""
    places = {end: place for place, end in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(_name(item), len(FIRST)))


def pytest_collection_finish() -> None:
    """What was imported stays: no collection of garbage need look through it again."""
    gc.collect()
    gc.freeze()
    # At the very end it is: torch's libraries tell of what is left behind.
    atexit.register(gc.unfreeze)


@pytest.fixture
def published(shared: Path) -> Path:
    """The answers and labels that were published in 2015 and 2017."""
    return shared / "data" / "published" / "places205-alexnet"
