"""The life of a HIT as Amazon documents it, over a real socket, by code that knows nothing of the sandbox."""

import datetime as dt
import re
import urllib.parse
from decimal import Decimal
from typing import Any

import httpx

from annotator.sandbox.acts import accounts
from tests.annotator.sandbox import serving
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE
from tests.conformance.people import Worker


def do_one_hit(browser: Worker, **answer: str) -> str:
    """Accept the first group's next HIT and submit this answer from inside the frame; the assignment's id."""
    page = browser.get("/worker/")
    group = re.search(r'data-group-id="(\w+)"', page)
    assert group
    page = browser.post(f"/worker/groups/{group[1]}/accept")
    frame = re.search(r'<iframe id="hit-frame"[^>]* src="([^"]+)"', page)
    assert frame
    given = urllib.parse.parse_qs(urllib.parse.urlsplit(frame[1].replace("&amp;", "&")).query)
    assert set(given) == {"unit", "of", "assignmentId", "hitId", "workerId", "turkSubmitTo", "visitProof"}
    address = f"{given['turkSubmitTo'][0]}/mturk/externalSubmit"
    assert "Submitted" in httpx.post(address, data={"assignmentId": given["assignmentId"][0], **answer}).text
    return given["assignmentId"][0]


def test_the_documented_walk_through(served: str) -> None:
    account = accounts.open_account("lab", balance_usd=Decimal("100.00"), now=dt.datetime.now(dt.UTC))
    mturk: Any = serving.connect(endpoint=served, key=account.access_key_id, secret=account.secret_access_key)
    assert mturk.get_account_balance()["AvailableBalance"] == "100.00"

    hit = mturk.create_hit(
        **HIT_TYPE, LifetimeInSeconds=3600, MaxAssignments=2, Question=EXTERNAL_QUESTION, UniqueRequestToken="once"
    )["HIT"]
    assert (hit["HITStatus"], hit["NumberOfAssignmentsAvailable"]) == ("Assignable", 2)
    assert mturk.get_account_balance()["AvailableBalance"] == "98.80"

    done = do_one_hit(Worker(served, "ada"), description="stripes & <dots>")
    listed = mturk.list_assignments_for_hit(HITId=hit["HITId"], AssignmentStatuses=["Submitted"])["Assignments"]
    assert [one["AssignmentId"] for one in listed] == [done]
    assert "<FreeText>stripes &amp; &lt;dots&gt;</FreeText>" in listed[0]["Answer"]

    mturk.approve_assignment(AssignmentId=done, RequesterFeedback="Thank you")
    mturk.send_bonus(AssignmentId=done, WorkerId=listed[0]["WorkerId"], BonusAmount="1.00", Reason="Good words")
    assert [paid["BonusAmount"] for paid in mturk.list_bonus_payments(HITId=hit["HITId"])["BonusPayments"]] == ["1.00"]

    mturk.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=dt.datetime(2015, 1, 1, tzinfo=dt.UTC))
    assert [one["HITId"] for one in mturk.list_reviewable_hits()["HITs"]] == [hit["HITId"]]
    mturk.delete_hit(HITId=hit["HITId"])
    assert mturk.get_hit(HITId=hit["HITId"])["HIT"]["HITStatus"] == "Disposed"
    assert mturk.list_hits()["HITs"] == []
    # One reward of 0.50 with its fee of 0.10, one bonus of 1.00 with its fee of 0.20; the rest came back.
    assert mturk.get_account_balance()["AvailableBalance"] == "98.20"
