"""oTree's MTurk client and payments page. Run by its own Python in a project's folder: STEP [HIT ASSIGNMENT WORKER]."""

import sys
from importlib import import_module
from pathlib import Path

Path("settings.py").write_text(
    "SESSION_CONFIGS = []\nSESSION_CONFIG_DEFAULTS = {}\nLANGUAGE_CODE = 'en'\nSECRET_KEY = 'drill'\n"
)
Path("_static").mkdir(exist_ok=True)
client = import_module("otree.mturk_client").TurkClient
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[<!DOCTYPE html><body></body>]]></HTMLContent><FrameHeight>600</FrameHeight></HTMLQuestion>"
)
if sys.argv[1] == "publish":
    hit = client.create_hit(
        {
            "Title": "oTree", "Description": "A drill.", "Keywords": "drill", "MaxAssignments": 1, "Reward": "0.1",
            "AssignmentDurationInSeconds": 600, "LifetimeInSeconds": 3600, "UniqueRequestToken": "otree_drill",
            "Question": QUESTION,
        },
        use_sandbox=True,
    )["HIT"]  # fmt: skip
    print(hit["HITId"])
else:
    _, _, hit_id, assignment_id, worker_id = sys.argv
    import_module("otree.main")
    page = import_module("otree.views.mturk")
    found = page.get_all_assignments(hit_id, use_sandbox=True)
    assert [one.assignment_id for one in found] == [assignment_id]
    bonus = {
        "WorkerId": worker_id, "AssignmentId": assignment_id, "BonusAmount": "0.05", "Reason": "Thank you",
        "UniqueRequestToken": f"{worker_id}_{assignment_id}",
    }  # fmt: skip
    client.send_bonus(bonus, use_sandbox=True)
    client.approve_assignment({"AssignmentId": assignment_id}, use_sandbox=True)
    client.update_expiration({"HITId": hit_id, "ExpireAt": 0}, use_sandbox=True)
