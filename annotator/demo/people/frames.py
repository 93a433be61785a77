"""What a HIT page gives a browser: its settings, and its tiles."""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotator.demo.people.browser import Browser, Page, PageUnexpected, find


def open_frame(browser: Browser, page: Page) -> Page:
    frame = find(page, "hit-frame")
    if frame is None:
        raise PageUnexpected(f"There is no HIT in {page.url.split('?')[0]} ({page.status}).")
    return browser.get(page.link(frame.get("src")))


def read_config(frame: Page) -> dict[str, Any]:
    config = find(frame, "hit-config")
    if config is None:
        refusal = find(frame, "refusal")
        said = refusal.text_content().strip() if refusal is not None else f"status {frame.status}"
        raise PageUnexpected(f"The HIT page cannot be worked on: {said}")
    value = json.loads(config.text_content())
    if not isinstance(value, dict):
        raise PageUnexpected("The HIT page's settings are not a JSON object.")
    return value


def fetch_tiles(
    browser: Browser, frame: Page, config: dict[str, Any], sheets: Sequence[str]
) -> list[npt.NDArray[np.uint8]]:
    """For each unit its tiles in the order of the page, (n, px, px, 3)."""
    addresses = iter(sheets)
    units = []
    for unit in config["units"]:
        n_sheets = -(-int(unit["n_crops"]) // int(config["tiles_per_sheet"]))
        tiles = [
            _cut(browser.get(frame.link(next(addresses))), px=int(unit["tile_px"]), n_columns=int(config["columns"]))
            for _ in range(n_sheets)
        ]
        units.append(np.concatenate(tiles)[: int(unit["n_crops"])])
    return units


def _cut(page: Page, *, px: int, n_columns: int) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(page.body)) as image:
            sheet = np.asarray(image.convert("RGB"))
    except OSError as error:
        raise PageUnexpected(f"A sheet of tiles is not an image (status {page.status}).") from error
    return sheet.reshape(-1, px, n_columns, px, 3).swapaxes(1, 2).reshape(-1, px, px, 3)
