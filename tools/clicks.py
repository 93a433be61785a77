"""`python -m tools.clicks`: measures the clicks and keys of twelve everyday jobs in Chromium, for docs/researchers.md.

A test does each job in a small world (tests/annotator/dashboard/test_clicks.py). The page itself counts: presses of the
pointer, presses of a key or of keys together, and each field that a word is typed into.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "researchers.md"
TEST = ROOT / "tests" / "annotator" / "dashboard" / "test_clicks.py"
# The page where the table stands, between these lines.
BEGINS, ENDS = "<!-- Measured by `python -m tools.clicks`. -->\n", "\n<!-- Up to here. -->"
# Kept by the tab: a click may lead to another page.
COUNTING = """
const keep = (kind) => { sessionStorage.steps = (sessionStorage.steps ?? "") + kind };
addEventListener("pointerdown", (event) => { if (event.isTrusted) { keep("c"); sessionStorage.field = "" } }, true);
addEventListener("keydown", (event) => {
  if (!event.isTrusted || event.repeat || ["Control", "Shift", "Alt", "Meta"].includes(event.key)) return;
  const isTyped = event.key.length === 1 && !event.ctrlKey && event.target.matches("input, textarea");
  if (isTyped && sessionStorage.field === event.target.id) return;
  sessionStorage.field = isTyped ? event.target.id : "";
  keep(isTyped ? "w" : "k");
}, true);
"""

LABEL_STUDIO = "[Label Studio](https://labelstud.io/guide/hotkeys)"
MTURK = "[MTurk's requester site](https://docs.aws.amazon.com/AWSMechTurk/latest/RequesterUI/{}.html)"
PROLIFIC = "[Prolific](https://prolific-researcher.dixa.help/en/article/ed5610)"
WANDB = "[Weights & Biases](https://docs.coreweave.com/products/wandb/reports/collaborate-on-reports)"


@dataclass(frozen=True)
class Counted:
    clicks: int
    keys: int
    words: int

    def total(self) -> int:
        return self.clicks + self.keys + self.words


@dataclass(frozen=True)
class Job:
    """What is done, from which address on, and what the peer whose documentation says it needs for the same."""

    name: str
    address: str
    do: Callable[[Page], None]
    peer: str = ""
    # As the peer's documentation counts; None: it tells of no such job, or not how it is done.
    peer_steps: int | None = None
    peer_way: str = ""


def see_title(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)


def find_unit(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("brick")
    expect(page.locator(".us-unit").filter(has_not_text="brick wall")).to_have_count(0)
    page.get_by_role("link", name="brick wall").first.click()
    expect(page.locator(".us-headline").first).to_have_text("brick wall")


def step(page: Page) -> None:
    page.keyboard.press("ArrowRight")
    see_title(page, "Unit 2 of features.3")


def see_photograph(page: Page) -> None:
    page.locator("#crops .us-whole").nth(3).click()
    see_title(page, "rank 3")


def accept(page: Page) -> None:
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="What others say")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="What do the bright parts have in common?")).to_be_visible()


def rename(page: Page) -> None:
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="What others say")).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.type("hubcap")
    page.keyboard.press("Enter")
    expect(page.get_by_text("is called “hubcap” from now on")).to_be_visible()


def undo(page: Page) -> None:
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: rename")).to_be_visible()


def approve_forty(page: Page) -> None:
    page.get_by_label("All 40 on this page").check()
    page.get_by_role("button", name="Approve the chosen").click()
    expect(page.get_by_text("it is being done")).to_be_visible()


def publish(page: Page) -> None:
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("#campaign")).to_contain_text("publish: waiting")


def compose_alike(page: Page) -> None:
    page.get_by_role("link", name="Compose one like it").click()
    expect(page.locator("#quote")).to_contain_text("$37.80")  # of the terms and units that are filled in
    page.get_by_role("button", name="Compose and quote").click()
    expect(page.get_by_role("heading", name="Campaign try-2")).to_be_visible()


def pause(page: Page) -> None:
    page.get_by_role("button", name="Pause all spending").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def download(page: Page) -> None:
    with page.expect_download() as found:
        page.get_by_role("link", name="report as CSV").click()
    assert found.value.suggested_filename.endswith(".csv")


def share(page: Page) -> None:
    page.get_by_text("Keep or share this view").click()
    page.get_by_role("button", name="Make a link").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()


# In this order, in one world: what is undone was decided before.
JOBS = (
    Job("find a unit by what it shows, and open it", "/units/", find_unit),
    Job("go to the next unit", "/units/net/features.3/1/", step, LABEL_STUDIO, 1, "Ctrl+→ (next task)"),
    Job("from a crop to its whole photograph", "/units/net/features.3/1/", see_photograph),
    Job("accept the name that a unit has", "/review/try/next/", accept, LABEL_STUDIO, 2, "a choice's key, Ctrl+Enter"),
    Job(
        "give a unit another name", "/review/try/next/", rename,
        "[Label Studio](https://labelstud.io/tags/textarea)", 4, "the field, the word, Enter, Ctrl+Enter",
    ),
    Job("take the last decision back", "/review/try/next/", undo, LABEL_STUDIO, 1, "Ctrl+Z, until it is sent"),
    Job(
        "approve forty answers", "/campaigns/try/answers/?state=submitted", approve_forty,
        MTURK.format("ReviewingResultsintheRUI"), 2, "the box of the heading, Approve",
    ),
    Job(
        "publish what was composed", "/campaigns/draft/", publish,
        MTURK.format("PublishingYourBatchofHITs"), 3, "Publish Batch, Next, Publish",
    ),
    Job(
        "compose a campaign like an earlier one", "/campaigns/try/", compose_alike,
        PROLIFIC, 2, "Action, Duplicate",
    ),
    Job("pause a campaign", "/campaigns/try/", pause, PROLIFIC, 2, "Action, Pause"),
    Job(
        "download the results as a table", "/campaigns/try/", download,
        MTURK.format("ReviewingResultsOutsideoftheRUI"), 2, "Download CSV, “here”",
    ),
    Job(
        "show a page to somebody without an account", "/units/net/features.3/1/", share,
        WANDB, 3, "Share, Share, Copy report link",
    ),
)  # fmt: skip


def measure(page: Page, server: str) -> dict[str, Counted]:
    """By job. The page is signed in, and its context runs COUNTING."""
    counted = {}
    for job in JOBS:
        page.goto(f"{server}{job.address}")
        page.evaluate("sessionStorage.clear()")
        job.do(page)
        steps = page.evaluate("sessionStorage.steps ?? ''")
        counted[job.name] = Counted(steps.count("c"), steps.count("k"), steps.count("w"))
    return counted


def write_table(counted: dict[str, Counted]) -> str:
    rows = [
        "| job | clicks | keys | words | together | best peer | there |",
        "| --- | --: | --: | --: | --: | --- | --- |",
    ]
    for job in JOBS:
        one = counted[job.name]
        there = "not documented" if job.peer_steps is None else f"{job.peer_steps}: {job.peer_way}"
        rows.append(
            f"| {job.name} | {one.clicks} | {one.keys} | {one.words} | {one.total()} | {job.peer or '–'} | {there} |"
        )
    return "\n".join(rows)


def read_table() -> str:
    return PAGE.read_text().partition(BEGINS)[2].partition(ENDS)[0]


class Writer:
    """Takes from the test what it measured."""

    counted: Any = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found: Any = dict(report.user_properties).get("clicks")
        if found:
            self.counted = {job: Counted(*steps) for job, steps in found.items()}


def main() -> int:
    writer = Writer()
    status = pytest.main(["-q", "--no-header", str(TEST)], plugins=[writer])
    if writer.counted is None:
        return int(status)
    table = write_table(writer.counted)
    PAGE.write_text(PAGE.read_text().replace(read_table(), table))
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
