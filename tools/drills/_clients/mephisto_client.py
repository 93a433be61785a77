"""Mephisto's MTurk utilities: publishing, paying, clean-up. Run by its own Python: STEP [HIT ASSIGNMENT WORKER]."""

import dataclasses
import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any


def make(cls: Any = None, **given: Any) -> Any:
    """A dataclass as in Python 3.10, for which Mephisto is written: its own ones are defaults of each other."""
    if cls is None:
        return lambda one: make(one, **given)
    return plain(cls, **({"unsafe_hash": True} if cls.__module__.startswith("mephisto") else {}), **given)


plain = dataclasses.dataclass
vars(dataclasses)["dataclass"] = make
utils = import_module("mephisto.abstractions.providers.mturk.mturk_utils")
client = import_module("boto3").client("mturk", region_name="us-east-1", endpoint_url=utils.SANDBOX_ENDPOINT)
if sys.argv[1] == "publish":
    task = SimpleNamespace(
        task_title="Mephisto", task_description="A drill.", task_tags="drill", task_reward=0.1,
        assignment_duration_in_seconds=600,
    )  # fmt: skip
    hit_type = utils.create_hit_type(client, task, [])
    _, hit_id, _ = utils.create_hit_with_hit_type(client, 500, "https://example.org/hit?a=1&b=2", hit_type)
    print(hit_id)
else:
    _, _, hit_id, assignment_id, worker_id = sys.argv
    kinds = {utils.find_or_create_qualification(client, "mephisto drill", "A drill.") for _ in range(2)}
    assert len(kinds) == 1
    utils.give_worker_qualification(client, worker_id, kinds.pop(), 3)
    assert [one["AssignmentId"] for one in utils.get_assignments_for_hit(client, hit_id)] == [assignment_id]
    utils.approve_work(client, assignment_id)
    assert utils.pay_bonus(client, worker_id, 0.05, assignment_id, "Thank you.", "mephisto-drill")
    utils.block_worker(client, worker_id, "A drill.")
    assert utils.is_worker_blocked(client, worker_id)
    assert utils.email_worker(client, worker_id, "Mephisto", "Thank you.")[0]
    hits = [one for group in utils.get_outstanding_hits(client).values() for one in group]
    assert hit_id in [one["HITId"] for one in hits]
    assert utils.expire_and_dispose_hits(client, hits, quiet=True) == []
