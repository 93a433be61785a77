"""The life of a HIT as Amazon documents it, over a real socket, by code that knows nothing of the sandbox."""

import datetime as dt
import http.cookiejar
import re
import urllib.parse
import urllib.request
from decimal import Decimal
from typing import Any

from annotator.sandbox.acts import accounts
from tests.annotator.sandbox import serving
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE


class Browser:
    """A person's browser without scripts: pages, forms with their hidden fields, cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.page = ""
        self.url = ""
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> str:
        return self._open(urllib.parse.urljoin(self.address, path), None)

    def post(self, path: str, **fields: str) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page)
        if token:
            fields["csrfmiddlewaretoken"] = token[1]
        return self._open(urllib.parse.urljoin(self.address, path), urllib.parse.urlencode(fields).encode())

    def _open(self, url: str, data: bytes | None) -> str:
        with self._opener.open(urllib.request.Request(url, data, {"Referer": self.address})) as response:
            self.page, self.url = response.read().decode(), response.url
        return self.page


def sign_up(address: str, name: str) -> Browser:
    browser = Browser(address)
    browser.get("/worker/sign-up")
    browser.post("/worker/sign-up", name=name, country="US", of_age="1")
    return browser


def do_one_hit(browser: Browser, **answer: str) -> str:
    """Accept the first group's next HIT and submit this answer from inside the frame; the assignment's id."""
    page = browser.get("/worker/")
    group = re.search(r'data-group-id="(\w+)"', page)
    assert group
    page = browser.post(f"/worker/groups/{group[1]}/accept")
    frame = re.search(r'<iframe id="hit-frame"[^>]* src="([^"]+)"', page)
    assert frame
    given = urllib.parse.parse_qs(urllib.parse.urlsplit(frame[1].replace("&amp;", "&")).query)
    assert set(given) == {"unit", "of", "assignmentId", "hitId", "workerId", "turkSubmitTo"}
    stranger = Browser(given["turkSubmitTo"][0])
    assert "Submitted" in stranger.post("/mturk/externalSubmit", assignmentId=given["assignmentId"][0], **answer)
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

    done = do_one_hit(sign_up(served, "ada"), description="stripes & <dots>")
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
