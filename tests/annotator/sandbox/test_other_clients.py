"""AWS's JavaScript client and AWS's command line run on the sandbox unchanged but for the endpoint.

Neither is a Python package of ours: `python -m tools.drills sandbox-other-clients` installs both and runs this.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from annotator.sandbox.acts import accounts
from tests.conformance.documents import QUESTION
from tests.conformance.people import Worker

HERE = Path(__file__).parent / "other_clients"
INSTALLED = Path(os.environ.get("OTHER_CLIENTS") or Path(__file__).parents[3] / "var" / "other-clients")


@pytest.fixture
def environment(served: str) -> dict[str, str]:
    """What a user of an AWS client sets, and nothing else of theirs."""
    account = accounts.open_account("lab", balance_usd=Decimal(100), now=dt.datetime.now(dt.UTC))
    return {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_ENDPOINT_URL_MTURK": served,
        "AWS_ACCESS_KEY_ID": account.access_key_id, "AWS_SECRET_ACCESS_KEY": account.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        "NODE_PATH": str(INSTALLED / "node_modules"),
    }  # fmt: skip


def run(*words: str, environment: dict[str, str]) -> Any:
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "{}")


def work(site: str, hit_id: str, *, n: int) -> None:
    for number in range(n):
        worker = Worker(site, f"simulated-{number}")
        worker.submit(worker.accept(hit_id), description="stripes")


def test_the_javascript_client(environment: dict[str, str], served: str) -> None:
    node = shutil.which("node")
    if not node or not (INSTALLED / "node_modules" / "@aws-sdk" / "client-mturk").is_dir():
        pytest.skip("AWS's JavaScript client is not installed; the drill sandbox-other-clients does that.")
    script = str(HERE / "walk.cjs")
    made = run(node, script, "create", environment=environment)
    assert made == {
        "hit": made["hit"], "status": "Assignable", "created": True, "refused": "RequestError",
        "code": "AWS.MechanicalTurk.HITDoesNotExist",
    }  # fmt: skip
    work(served, made["hit"], n=2)
    found = run(node, script, "judge", made["hit"], environment=environment)
    # One reward of 0.10 and one bonus of 0.50, with their fees of 20 %.
    assert found == {"assignments": 2, "answer": True, "bonus": "0.50", "balance": "99.28"}


def test_the_command_line(environment: dict[str, str], served: str) -> None:
    aws = shutil.which("aws", path=f"{INSTALLED / 'aws' / 'bin'}")
    if not aws:
        pytest.skip("AWS's command line is not installed; the drill sandbox-other-clients does that.")

    def mturk(*words: str) -> Any:
        return run(aws, "mturk", *words, "--output", "json", environment=environment)

    hit = mturk(
        "create-hit", "--title", "From a shell", "--description", "Say what you see.", "--reward", "0.10",
        "--assignment-duration-in-seconds", "600", "--lifetime-in-seconds", "3600", "--question", QUESTION,
    )["HIT"]  # fmt: skip
    work(served, hit["HITId"], n=1)
    [done] = mturk("list-assignments-for-hit", "--hit-id", hit["HITId"])["Assignments"]
    mturk("approve-assignment", "--assignment-id", done["AssignmentId"])
    mturk(
        "send-bonus", "--worker-id", done["WorkerId"], "--bonus-amount", "0.50", "--assignment-id",
        done["AssignmentId"], "--reason", "Thanks",
    )  # fmt: skip
    mturk("update-expiration-for-hit", "--hit-id", hit["HITId"], "--expire-at", "2015-01-01T00:00:00Z")
    mturk("delete-hit", "--hit-id", hit["HITId"])
    assert mturk("get-account-balance")["AvailableBalance"] == "99.28"
    assert mturk("list-hits")["HITs"] == []
