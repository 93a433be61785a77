"""larry's own publishing, listing and approving. Run by its own Python: STEP [HIT ASSIGNMENT WORKER]."""

import sys
from importlib import import_module

mturk = import_module("larry.mturk")
mturk.use_sandbox()
if sys.argv[1] == "publish":
    hit = mturk.create_hit(
        title="larry", description="A drill.", reward="0.10", max_assignments=1, keywords="drill",
        external_question="https://example.org/hit",
    )  # fmt: skip
    print(hit["HITId"])
else:
    _, _, hit_id, assignment_id, worker_id = sys.argv
    assert [one["AssignmentId"] for one in mturk.list_assignments_for_hit(hit_id)] == [assignment_id]
    mturk.approve(assignment_id)
    kind = mturk.create_qualification_type("larry drill", "A drill.")
    mturk.client.associate_qualification_with_worker(QualificationTypeId=kind, WorkerId=worker_id, IntegerValue=2)
    assert [one["WorkerId"] for one in mturk.list_workers_with_qualification_type(kind)] == [worker_id]
    mturk.notify_workers("larry", "Thank you.", worker_ids=[worker_id])
    mturk.expire_hit(hit_id)
    assert hit_id in [one["HITId"] for one in mturk.list_hits()]
