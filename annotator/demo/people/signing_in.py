"""Simulated people sign up at the worker site, and come back with the keys that it gave them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.demo.people.browser import Browser, PageUnexpected, fill_form, find
from annotator.demo.people.tempers import Person
from annotator.embedded import write_privately

_NAME_TRIES = 3


@dataclass(frozen=True)
class Site:
    """The marketplace's worker site, and which HITs (their ids there) the people work on, of which groups."""

    url: str
    hit_type_ids: frozenset[str]
    hit_ids: frozenset[str]

    def at(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/worker/{path}"


def sign_in_all(*, site: Site, people: Sequence[Person], keys_file: Path) -> dict[str, Browser]:
    """A signed-in browser for each person; a person without a key signs up, and the key is stored in the file."""
    keys: dict[str, str] = json.loads(keys_file.read_text()) if keys_file.exists() else {}
    browsers = {}
    for person in people:
        browser = Browser()
        kept = f"{site.url} {person.name}"
        if kept not in keys or not _sign_in(site, browser, keys[kept]):
            keys[kept] = _sign_up(site, browser, person)
            write_privately(keys_file, json.dumps(keys, indent=1))
        browsers[person.name] = browser
    return browsers


def _sign_in(site: Site, browser: Browser, key: str) -> bool:
    page = browser.get(site.at("sign-in"))
    return browser.post_form(*fill_form(page, "//form[@id='sign-in-form']", {"key": key})).status == 200


def _sign_up(site: Site, browser: Browser, person: Person) -> str:
    """Signs up under the person's name, or under a variant if the name is taken and its key lost."""
    problem = "no reason given"
    for attempt in range(_NAME_TRIES):
        name = person.name + (f"-{attempt + 1}" if attempt else "")
        fields = {"name": name, "country": "US", "of_age": "1"}
        page = browser.post_form(*fill_form(browser.get(site.at("sign-up")), "//form[@id='sign-up-form']", fields))
        key = find(page, "sign-in-key")
        if key is not None:
            return str(key.text_content()).strip()
        said = find(page, "sign-up-problem")
        problem = said.text_content().strip() if said is not None else f"status {page.status}"
    raise PageUnexpected(f"{person.name} cannot sign up: {problem}")
