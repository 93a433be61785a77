"""jsPsych from npm: an experiment of its own build in a HIT's frame, which a person in Chromium submits."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from playwright.sync_api import sync_playwright

from benchmarks._sandbox import RunningSandbox
from tools.browser import find_chromium

PACKAGES = ("jspsych@8", "@jspsych/plugin-html-button-response@2")
# One trial; at its end the data are submitted as its documentation shows.
PAGE = """<!doctype html><html><head><script src="jspsych.js"></script><script src="plugin.js"></script></head>
<body></body>
<script>
const jsPsych = initJsPsych({ on_finish: () => jsPsych.turk.submitToTurk({ trials: jsPsych.data.get().json() }) });
jsPsych.run([{ type: jsPsychHtmlButtonResponse, stimulus: "<p>What is it?</p>", choices: ["stripes", "dots"] }]);
</script></html>"""
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>{}</ExternalURL><FrameHeight>500</FrameHeight></ExternalQuestion>'
)


def submit_from_npm(sandbox: RunningSandbox, folder: Path) -> str:
    """What was run, with its version. Raises AssertionError if the answer did not arrive."""
    version = _install(folder)
    mturk = boto3.client("mturk", **sandbox.account)
    with _serve(folder / "site") as address:
        hit = mturk.create_hit(
            Title="jsPsych", Description="A drill.", Reward="0.10", AssignmentDurationInSeconds=600,
            LifetimeInSeconds=3600, MaxAssignments=1, Question=QUESTION.format(f"{address}/index.html"),
        )["HIT"]  # fmt: skip
        _work(sandbox.address, hit["HITId"])
    (found,) = mturk.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
    assert "<QuestionIdentifier>trials</QuestionIdentifier>" in found["Answer"], found["Answer"]
    assert "html-button-response" in found["Answer"], found["Answer"]
    mturk.approve_assignment(AssignmentId=found["AssignmentId"])
    return f"jspsych {version}"


def _install(folder: Path) -> str:
    npm = shutil.which("npm")
    assert npm is not None, "npm is needed for jsPsych."
    site, modules = folder / "site", folder / "node_modules"
    site.mkdir(parents=True, exist_ok=True)
    words = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    shutil.copy(modules / "jspsych" / "dist" / "index.browser.min.js", site / "jspsych.js")
    plugin = modules / "@jspsych" / "plugin-html-button-response" / "dist" / "index.browser.min.js"
    shutil.copy(plugin, site / "plugin.js")
    (site / "index.html").write_text(PAGE)
    return str(json.loads((modules / "jspsych" / "package.json").read_text())["version"])


def _work(address: str, hit_id: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{address}/worker/sign-up")
        page.fill("#name", "simulated-jspsych")
        page.select_option("#country", "US")
        page.check("[name=of_age]")
        page.click("main button")
        page.wait_for_selector("#sign-in-key")
        page.goto(f"{address}/worker/hits/{hit_id}/")
        page.click("#accept")
        page.frame_locator("#hit-frame").get_by_role("button", name="stripes").click(timeout=60_000)
        page.wait_for_selector("#done[data-state=Submitted]", timeout=60_000)
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _serve(folder: Path) -> Iterator[str]:
    """The address of a folder's files, at another host name than the sandbox's."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
