"""The pictures of README and docs, taken from the running product after its demo: `make pictures`.

They are written in the 256 colors that fit each best: a third of the bytes, and hardly a difference that one sees.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from annotator import embedded, serving
from tools.browser import find_chromium

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
DESK: ViewportSize = {"width": 1440, "height": 900}
PASSWORD = "a-long-enough-word-9"
STAMP = f"{datetime.now(UTC):%Y%m%d%H%M%S}"


def manage(*arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def keep(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")
    reduce_colors(name)


def reduce_colors(name: str) -> None:
    path = FOLDER / f"{name}.png"
    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(256)
    reduced.save(path, optimize=True)
    print(f"docs/pictures/{name}.png: {path.stat().st_size // 1024} KiB")


def picture_dashboard(browser: Browser, dashboard: str) -> None:
    """Signs in as a new admin, so that it also works on a used checkout."""
    page = browser.new_context(viewport=DESK).new_page()
    page.goto(manage("first_admin", "--username", f"ada-{STAMP[-6:]}").strip().splitlines()[-1])
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.wait_for_url(lambda url: "welcome" not in url)
    for name, path in (
        ("home", ""),
        ("gallery", "units/?campaign=demo&sort=precision"),
        ("comparison", "campaigns/demo/comparison/"),
        ("review", "review/demo/next/"),
    ):
        page.goto(dashboard + path)
        keep(page, name)
    page.goto(f"{dashboard}units/?campaign=demo")
    page.locator("a[href*='/units/'][href*='_']").first.click()
    keep(page, "unit")


def keep_explained() -> None:
    """The picture that the demo explained at its end."""
    (FOLDER / "explained.png").write_bytes((embedded.data_folder() / "demo" / "explained.png").read_bytes())
    reduce_colors("explained")


def ask_about_one_unit_again() -> tuple[list[str], str]:
    """The launch command of a campaign of its own (everything of the demo's is answered), and the unit's concept."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    import django

    django.setup()
    from annotator.crowd.models import HITUnit

    asked = HITUnit.objects.filter(hit__campaign__name="demo").select_related("unit__layer", "dissected_unit")
    row = asked.order_by("-unit__unit_labels__precision").first()
    assert row is not None
    assert row.dissected_unit is not None
    unit = f"{row.unit.layer.path}:{row.unit.index}"
    dissection = str(row.dissected_unit.dissection_id)
    concept = row.unit.unit_labels.get(campaign__name="demo").concept
    command = ["launch", f"picture-{STAMP}", "--dissection", dissection, "--units", unit, "--assignments", "1", "--yes"]
    return command, concept


def find_planted() -> list[int]:
    """Where the newest assignment shows crops that do not fit: the planted negatives."""
    from annotator.crowd.models import Answer

    answer = Answer.objects.latest("id")
    return [answer.shown_ranks.index(rank) for rank in answer.planted_ranks]


def picture_hit(browser: Browser, site: str, concept: str) -> None:
    page = browser.new_context(viewport={"width": 1100, "height": 900}).new_page()
    page.goto(f"{site}sign-up")
    page.fill("[name=name]", f"Picture {STAMP[-4:]}")
    page.select_option("[name=country]", "US")
    page.check("[name=of_age]")
    page.locator("main form button").last.click()
    page.goto(site)
    group = page.locator("#groups > li").first.get_attribute("data-group-id")
    page.goto(f"{site}groups/{group}/next")
    page.click("#accept")
    frame = page.frame_locator("#hit-frame")
    frame.locator("#agree").click()
    frame.locator("#guide summary").click()
    frame.locator("#description").fill(concept)
    for number in sorted(find_planted())[:2]:
        frame.locator(".crop").nth(number).click()
    frame.locator("#description").scroll_into_view_if_needed()
    keep(page, "hit")


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with embedded.in_environment():
        serving.prepare()
        log = embedded.data_folder() / "logs" / "services.log"
        with serving.serve(log=log), ExitStack() as stack:
            subprocess.run([sys.executable, "manage.py", "demo"], cwd=ROOT, check=True)
            keep_explained()
            addresses = serving.read_addresses()
            launch, concept = ask_about_one_unit_again()
            # Django would refuse queries beside the event loop that the browser runs in this thread.
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
            playwright = stack.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            picture_dashboard(browser, addresses["dashboard"])
            manage(*launch)
            picture_hit(browser, addresses["sandbox_worker_site"], concept)
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
