"""What axe finds seriously wrong with a page, light and dark."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# By color scheme, the rules; none: all. The second time, what colors can change.
LOOKS: list[tuple[Any, tuple[str, ...]]] = [("light", ()), ("dark", ("color-contrast", "link-in-text-block"))]


def find_serious(page: Page) -> dict[str, list[str]]:
    """By color scheme: rule and first target of each serious or critical finding. Empty if there is none."""
    found = {}
    for scheme, rules in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if wrong := run_axe(page, rules):
            found[scheme] = wrong
    return found


def run_axe(page: Page, rules: tuple[str, ...] = ()) -> list[str]:
    """The serious and critical findings by these rules; no rules: all of them. axe is in the page after all of them."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if not rules:
        result = Axe().run(page, options=options).response
    else:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
        result = page.evaluate("options => axe.run(document, options)", options)
    assert result["passes"], "axe looked at nothing"
    serious = [one for one in result["violations"] if one["impact"] in ("serious", "critical")]
    return [f"{one['id']} {one['nodes'][0]['target']}" for one in serious]
