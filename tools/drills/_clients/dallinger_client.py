"""Dallinger's MTurkService: publishing, qualifications, paying. Run by its own Python: STEP [HIT ASSIGNMENT WORKER]."""

import os
import sys
from importlib import import_module

mturk = import_module("dallinger.mturk")
service = mturk.MTurkService(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], "us-east-1")
if sys.argv[1] == "publish":
    assert service.check_credentials()
    hit = service.create_hit(
        "drill", "Dallinger", "A drill.", ["drill"], 0.10, 1, 1, mturk.MTurkQuestions.compensation(sandbox=True), 1,
        annotation="drill", do_subscribe=False,
    )  # fmt: skip
    print(hit["id"])
else:
    _, _, hit_id, assignment_id, worker_id = sys.argv
    kind = service.create_qualification_type("dallinger drill", "A drill.")
    try:
        service.create_qualification_type("dallinger drill", "A drill.")
        raise SystemExit("The second qualification type of one name was made.")
    except mturk.DuplicateQualificationNameError:
        pass
    assert service.get_qualification_type_by_name("dallinger drill")["id"] == kind["id"]
    assert service.increment_qualification_score(kind["id"], worker_id)["score"] == 1
    assert service.increment_qualification_score(kind["id"], worker_id)["score"] == 2
    assert [one["id"] for one in service.get_workers_with_qualification(kind["id"])] == [worker_id]
    service.revoke_qualification(kind["id"], worker_id)
    assert service.increment_qualification_score(kind["id"], worker_id)["score"] == 1
    assert service.grant_bonus(assignment_id, 0.05, "Thank you.")
    # Its HITs are approved without delay.
    assert service.get_assignment(assignment_id)["status"] == "Approved"
    assert service.extend_hit(hit_id, 2, 1.0)["max_assignments"] == 3
    assert hit_id in [one["id"] for one in service.get_hits()]
    assert service.expire_hit(hit_id)
