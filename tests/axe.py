"""What axe finds seriously wrong with a page, light and dark."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def find_serious(page: Page) -> dict[str, list[str]]:
    """By color scheme: rule and first target of each serious or critical finding. Empty if there is none."""
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        result = Axe().run(page, options={"resultTypes": ["violations"]}).response
        assert result["passes"], "axe looked at nothing"
        serious = [one for one in result["violations"] if one["impact"] in ("serious", "critical")]
        if serious:
            found[scheme] = [f"{one['id']} {one['nodes'][0]['target']}" for one in serious]
    return found
