"""What a person does on a HIT page, and what is checked of its looks."""

import time

from playwright.sync_api import Page, Route, expect

from tests.axe import run_axe


def mark(page: Page, *positions: int) -> None:
    for position in positions:
        page.locator(".crop").nth(position).click()


def wait_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("Saved", timeout=60_000)


def marked(page: Page) -> list[int]:
    pressed = page.locator(".crop").evaluate_all("crops => crops.map(c => c.getAttribute('aria-pressed') === 'true')")
    return [position for position, is_pressed in enumerate(pressed) if is_pressed]


def answer_it(page: Page) -> None:
    page.fill("#description", "wheel")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("6")
    page.click("#submit")


class Held:
    """Requests of `page` to `address` (the first `times` of them), each held until the test lets it go."""

    def __init__(self, page: Page, address: str, times: int | None = None) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(address, lambda route: self._routes.append(route), times=times)

    def take(self) -> Route:
        """The oldest that was not taken; waits for it.

        `expect_request` is no wait for this: it returns when the browser tells of the request, and the browser tells
        afterwards that it holds it.
        """
        end = time.monotonic() + 60
        while not self._routes:
            assert time.monotonic() < end, "no request came"
            self._page.wait_for_timeout(10)
        return self._routes.pop(0)


def check(page: Page) -> None:
    """On a phone, at 200 % zoom of a small desk, and on a wide one. axe is run past the page's policy on scripts."""
    for width in (640, 360, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width != 640:
            assert not run_axe(page), width
