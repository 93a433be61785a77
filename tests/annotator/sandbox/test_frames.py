"""Pages written for Amazon's frame, in Chromium: each does there what it does at Amazon, and submits."""

import datetime as dt
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from annotator.sandbox.acts import accounts
from annotator.sandbox.models import Assignment
from annotator.sandbox.questions import answers
from annotator.sandbox.questions.documents import EXTERNAL_NAMESPACE, HTML_NAMESPACE
from tests.annotator.sandbox import serving
from tests.annotator.sandbox.conftest import HIT_TYPE
from tests.annotator.sandbox.test_browser import sign_up
from tools.browser import find_chromium

pytestmark = pytest.mark.browser
SUBMIT = """<form method="post" id="mturk_form" action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" name="assignmentId" id="assignmentId" value=""><input name="code" id="code">
<input type="submit" id="submitButton" value="Send"></form>
<script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script>
<script>turkSetAssignmentID();</script>"""
# The id of the assignment stands in the address, the data in the body.
EXPERIMENT = """<!doctype html><button id="go">Go</button><script>
document.getElementById("go").onclick = () => {
  const given = new URLSearchParams(location.search), form = document.createElement("form");
  form.method = "POST";
  form.action = given.get("turkSubmitTo") + "/mturk/externalSubmit?assignmentId=" + given.get("assignmentId");
  form.innerHTML = '<input type="hidden" name="code" value="412 ms">';
  document.body.append(form);
  form.submit();
};</script>"""
CAMERA = EXPERIMENT.replace("() => {", """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({video: true, audio: true});
  const features = ["fullscreen", "clipboard-write"].filter((one) => document.featurePolicy.allowsFeature(one));"""
).replace("'<input type=\"hidden\" name=\"code\" value=\"412 ms\">'",
  "`<input type=hidden name=code value='${stream.getTracks().length} tracks, ${features}'>`")  # fmt: skip
DOWNLOAD = '<a id="data" download="notes.txt" href="data:text/plain,notes">Notes</a>' + SUBMIT
STORING = f"""<p id="kept"></p>{SUBMIT}<script>localStorage.setItem("seen", "yes"); document.cookie = "seen=yes";
document.getElementById("kept").textContent = localStorage.getItem("seen");</script>"""
# As Amazon's samples write it: the list of categories in single quotes, a plain field beside the elements.
CROWD = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form answer-format="flatten-objects"><crowd-classifier name="mood" categories="['Glad', 'It\\'s sad']"
header="Which?"><classification-target>I won.</classification-target></crowd-classifier>
<crowd-input name="why" label="Why?" required></crowd-input>
<crowd-checkbox name="sure" value="yes">Sure</crowd-checkbox>
<crowd-radio-group><crowd-radio-button name="old" value="old">Old</crowd-radio-button>
<crowd-radio-button name="young" value="young">Young</crowd-radio-button></crowd-radio-group>
<input type="hidden" name="plain" value="7"></crowd-form>"""
WANTED = {
    "mood.label": "It's sad",
    "why": "lost",
    "sure.yes": True,
    "old.old": False,
    "young.young": True,
    "plain": "7",
}
# A survey that keeps state, as survey services do, and whose page talks to the tab that it opened.
SURVEY = """<!doctype html><form method="post"><button id="finish">Finish</button></form>
<script>localStorage.setItem("page", "1"); document.cookie = "page=1"; document.body.dataset.kept = document.cookie;
</script>"""
OPENER = """<!doctype html><button id="open">Open</button><p id="held"></p>""" + EXPERIMENT.replace(
    "<script>",
    """<script>document.getElementById("open").onclick = () => {
  document.getElementById("held").textContent = window.open("/survey") ? "held" : "refused"; };""",
)
PAGES = {"/experiment": EXPERIMENT, "/camera": CAMERA, "/survey": SURVEY, "/opener": OPENER}


class _Requester(http.server.BaseHTTPRequestHandler):
    origins: list[str | None]

    def do_GET(self) -> None:
        self._answer(PAGES.get(self.path.split("?")[0], ""))

    def do_POST(self) -> None:
        self.origins.append(self.headers.get("Origin"))
        self._answer("<p id='done'>Your code is C-7</p>")

    def _answer(self, page: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def requester_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(_Requester, "origins", [], raising=False)
    with http.server.ThreadingHTTPServer(("localhost", 0), _Requester) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(served: str, chromium: Browser, settings: Any) -> Iterator[Page]:
    """A signed-in person's browser with a camera, which is a fake one.

    As on a server, requesters' HTML lies below the marketplace's own host name: browsers block other sites' storage.
    """
    port = urlsplit(served).port
    settings.SANDBOX_URL, settings.SANDBOX_CONTENT_URL = (
        f"http://{host}:{port}" for host in ("market.localhost", "content.market.localhost")
    )
    args = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with chromium.browser_type.launch(executable_path=find_chromium(), args=args, timeout=180_000) as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        sign_up(page, settings.SANDBOX_URL)
        yield page


@pytest.fixture
def work_on(served: str, requester_site: str, page: Page, settings: Any) -> Callable[[str], FrameLocator]:
    """Publishes a HIT of this page or HTML, and opens it accepted."""
    account = accounts.open_account("lab", balance_usd=Decimal(100), now=dt.datetime.now(dt.UTC))
    mturk = serving.connect(endpoint=served, key=account.access_key_id, secret=account.secret_access_key)

    def work(content: str) -> FrameLocator:
        if content.startswith("/"):
            tags = ("ExternalQuestion", EXTERNAL_NAMESPACE, "ExternalURL", requester_site + content)
        else:
            tags = ("HTMLQuestion", HTML_NAMESPACE, "HTMLContent", f"<![CDATA[<!doctype html>{content}]]>")
        kind, namespace, tag, text = tags
        question = f'<{kind} xmlns="{namespace}"><{tag}>{text}</{tag}><FrameHeight>400</FrameHeight></{kind}>'
        hit = mturk.create_hit(**HIT_TYPE, LifetimeInSeconds=3600, Question=question)["HIT"]
        page.goto(f"{settings.SANDBOX_URL}/mturk/preview?groupId={hit['HITGroupId']}")
        page.click("#accept")
        page.wait_for_selector("#work")
        return page.frame_locator("#hit-frame")

    return work


def read_code(page: Page) -> str:
    """The field `code` of what was submitted last; waits until the page says that it was."""
    page.wait_for_selector("#done[data-state=Submitted]")
    answer = Assignment.objects.latest("id").answer
    return answer.partition("<QuestionIdentifier>code</QuestionIdentifier><FreeText>")[2].partition("<")[0]


def test_pages_that_know_the_marketplaces_host_submit(work_on: Callable[[str], FrameLocator], page: Page) -> None:
    work_on("/experiment").locator("#go").click()
    assert read_code(page) == "412 ms"
    work_on("/camera").locator("#go").click()
    assert read_code(page) == "2 tracks, fullscreen,clipboard-write"


def test_html_written_for_amazons_host_submits_here(work_on: Callable[[str], FrameLocator], page: Page) -> None:
    frame = work_on(STORING)
    expect(frame.locator("#kept")).to_have_text("yes")
    frame.locator("#code").fill("stripes")
    frame.locator("#submitButton").click()
    assert read_code(page) == "stripes"
    frame = work_on(DOWNLOAD)
    with page.expect_download() as download:
        frame.locator("#data").click()
    assert download.value.suggested_filename == "notes.txt"
    frame.locator("#code").fill("noted")
    frame.locator("#submitButton").click()
    assert read_code(page) == "noted"


def test_crowd_elements_submit_what_amazons_do(work_on: Callable[[str], FrameLocator], page: Page) -> None:
    frame = work_on(CROWD)
    frame.get_by_label("It's sad").check()
    frame.locator("crowd-button button").click()
    assert page.locator("#work").count() == 1, "the field that is required is empty"
    frame.get_by_label("Why?").fill("lost")
    frame.get_by_label("Sure").check()
    frame.get_by_label("Young").check()
    frame.locator("crowd-button button").click()
    page.wait_for_selector("#done[data-state=Submitted]")
    answer = answers.read_values(Assignment.objects.latest("id").answer)
    assert {name: json.loads(one) for name, (one,) in answer.items()} == {"taskAnswers": [WANTED]}
    frame = work_on("<script src='https://assets.crowd.aws/crowd-html-elements.js'></script><crowd-form>"
                    "<crowd-bounding-box name='box'></crowd-bounding-box></crowd-form>")  # fmt: skip
    expect(frame.get_by_role("alert")).to_contain_text("crowd-bounding-box")


def test_a_survey_in_a_tab_of_its_own_has_storage_and_an_origin(
    work_on: Callable[[str], FrameLocator], page: Page, requester_site: str
) -> None:
    frame = work_on(f'<a id="survey" target="_blank" href="{requester_site}/survey">Survey</a>{SUBMIT}')
    with page.expect_popup() as popup:
        frame.locator("#survey").click()
    survey = popup.value
    expect(survey.locator("body")).to_have_attribute("data-kept", re.compile("page=1"))
    survey.click("#finish")
    expect(survey.locator("#done")).to_have_text("Your code is C-7")
    assert _Requester.origins == [requester_site]
    frame.locator("#code").fill("C-7")
    frame.locator("#submitButton").click()
    assert read_code(page) == "C-7"


def test_a_page_keeps_hold_of_the_tab_that_it_opens(work_on: Callable[[str], FrameLocator], page: Page) -> None:
    frame = work_on("/opener")
    with page.expect_popup() as popup:
        frame.locator("#open").click()
    expect(frame.locator("#held")).to_have_text("held")
    popup.value.wait_for_function("window.opener !== null && localStorage.getItem('page') === '1'")
    frame.locator("#go").click()
    assert read_code(page) == "412 ms"
