"""psiTurk's MTurkServices: publishing, listing, paying. Run by its own Python: STEP [HIT ASSIGNMENT WORKER]."""

import datetime
import sys
from configparser import ConfigParser
from importlib import import_module
from typing import Any

config = ConfigParser()
config.read_dict({"AWS Access": {"aws_access_key_id": "", "aws_secret_access_key": ""}})
service = import_module("psiturk.amt_services").MTurkServices(config)


def read(answer: Any) -> Any:
    """What psiTurk's answer holds; raises what it met."""
    assert answer.success, repr(answer.exception)
    return answer.data


if sys.argv[1] == "publish":
    hit = read(service.create_hit({
        "approve_requirement": 0, "number_hits_approved": 0, "require_master_workers": False, "us_only": True,
        "require_qualification_ids": [], "block_qualification_ids": [], "advanced_qualifications": [],
        "title": "psiTurk", "description": "A drill.", "keywords": "drill", "reward": "0.10",
        "duration": datetime.timedelta(minutes=10), "lifetime": datetime.timedelta(hours=1), "max_assignments": 1,
        "ad_location": "https://example.org/ad",
    }))  # fmt: skip
    print(hit["HITId"])
else:
    _, _, hit_id, assignment_id, worker_id = sys.argv
    found = read(service.get_assignments(assignment_status="Submitted", hit_ids=hit_id))
    assert [one["assignmentId"] for one in found] == [assignment_id]
    read(service.approve_assignment(assignment_id))
    read(service.bonus_assignment(assignment_id, worker_id, "0.05", "Thank you."))
    assert hit_id in [one.options["hitid"] for one in read(service.get_all_hits())]
    read(service.extend_hit(hit_id, assignments_increment=1, expiration_increment=60))
    read(service.expire_hit(hit_id))
    read(service.delete_hit(hit_id))
