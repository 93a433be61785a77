"""Simulated people at work: taking HITs and answering them, as a browser would, over HTTP alone.

They see what a browser gets and nothing else. Which of them take a HIT follows from what its preview shows, so it is
the same after any interruption; a HIT that was accepted and not submitted is found in the person's queue and done.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.crowd.hit_types.hit_type import Sight
from annotator.crowd.hit_types.templates import find_hit_type
from annotator.demo.people.browser import Browser, Page, PageUnexpected, fill_form, find
from annotator.demo.people.frames import fetch_tiles, open_frame, read_config
from annotator.demo.people.judgement import Knowledge, judge
from annotator.demo.people.photographs import PhotographViewer, answer_question
from annotator.demo.people.seeing import TileSight, Viewer, key_tile
from annotator.demo.people.signing_in import Site
from annotator.demo.people.tempers import Person, draw, rank_people

# If fewer tiles of a preview are recognized, its images are not from the rendered set, and it is skipped.
_MIN_KNOWN = 0.5
_ROUNDS_OF_MUST_FIND = 3


@dataclass
class Progress:
    """What was done so far."""

    n_submitted: int = 0
    n_returned: int = 0
    strange_hits: set[str] = field(default_factory=set)


@dataclass
class Crew:
    """People with their browsers at one site; they share one viewer."""

    site: Site
    people: tuple[Person, ...]
    viewer: Viewer
    knowledge: Knowledge
    seed: int
    browsers: dict[str, Browser]
    progress: Progress = field(default_factory=Progress)
    on_submitted: Callable[[int], None] = lambda n_submitted: None
    # Of questions about photographs: how often an answer is wrong; None: by the person's temper.
    error: float | None = None
    _counting: Lock = field(default_factory=Lock)

    def work(self, *, n_at_once: int = 2, stop_after: int | None = None) -> Progress:
        """Finishes accepted HITs, then takes HITs until none is left for anybody or `stop_after` HITs are done."""
        for person in self.people:
            self._empty_queue(person)
        tried: set[str] = set()
        while fresh := {hit: takers for hit, takers in self._list_hits().items() if hit not in tried}:
            chosen = dict(list(fresh.items())[: None if stop_after is None else stop_after - len(tried)])
            with ThreadPoolExecutor(n_at_once) as pool:
                list(pool.map(self._do_hit, chosen, chosen.values()))
            tried |= set(chosen)
            if stop_after is not None and len(tried) >= stop_after:
                break
        return self.progress

    def _empty_queue(self, person: Person) -> None:
        page = self.browsers[person.name].get(self.site.at("queue"))
        for entry in page.document.xpath("//*[@id='queue']/*[@data-assignment-id]"):
            if entry.get("data-hit-id") in self.site.hit_ids:
                self._do_assignment(person, str(entry.get("data-assignment-id")))

    def _list_hits(self) -> dict[str, tuple[Person, ...]]:
        """Open HITs and who may take each, as each person's own list shows."""
        takers: dict[str, list[Person]] = {}
        for person in self.people:
            browser = self.browsers[person.name]
            for group in browser.find_all(self.site.at(""), "//*[@id='groups']/*[@data-group-id]"):
                if group.get("data-hit-type-id") not in self.site.hit_type_ids:
                    continue
                page = browser.get(self.site.at(f"groups/{group.get('data-group-id')}/"))
                for hit in page.document.xpath("//*[@id='hits']/*[@data-hit-id]"):
                    if hit.get("data-hit-id") in self.site.hit_ids:
                        takers.setdefault(str(hit.get("data-hit-id")), []).append(person)
        return {hit: tuple(people) for hit, people in takers.items() if hit not in self.progress.strange_hits}

    def _do_hit(self, hit: str, takers: tuple[Person, ...]) -> None:
        """People take the HIT in their order, until no assignment is left."""
        key = self._preview(hit, takers[0])
        if key is None:
            self.progress.strange_hits.add(hit)
            return
        for person in rank_people(takers, seed=self.seed, picture_key=key):
            assignment = self._accept(hit, person)
            if assignment is None:
                return
            self._do_assignment(person, assignment)

    def _preview(self, hit: str, person: Person) -> str | None:
        """A key of what the preview shows; None if the images are not from the rendered set."""
        browser = self.browsers[person.name]
        frame = open_frame(browser, browser.get(self.site.at(f"hits/{hit}/")))
        config = read_config(frame)
        units = fetch_tiles(browser, frame, config, config["sheets"])
        tiles = np.concatenate(units)
        sights = [s for unit, of in zip(units, config["units"], strict=True) for s in self._look(unit, of)]
        if sum(sight.shows is not None for sight in sights) < _MIN_KNOWN * len(sights):
            return None
        return hashlib.sha256("".join(sorted(key_tile(tile) for tile in tiles)).encode()).hexdigest()

    def _accept(self, hit: str, person: Person) -> str | None:
        """The assignment's id; None if no assignment is left."""
        browser = self.browsers[person.name]
        page = browser.get(self.site.at(f"hits/{hit}/"))
        if find(page, "work") is None:
            if find(page, "accept-form") is None:
                return None
            page = browser.post_form(*fill_form(page, "//form[@id='accept-form']", {}))
        work = find(page, "work")
        return str(work.get("data-assignment-id")) if work is not None else None

    def _do_assignment(self, person: Person, assignment: str) -> None:
        """Reads the page in the frame, recognizes the tiles, answers, and submits to the marketplace."""
        browser = self.browsers[person.name]
        page = browser.get(self.site.at(f"assignments/{assignment}/"))
        if find(page, "done") is not None:
            return
        answer = self.do_page(person, browser, open_frame(browser, page))
        if answer is None:
            self._give_back(browser, page)
            return
        if answer.status != 200 and find(browser.get(page.url), "done") is None:
            raise PageUnexpected(f"The marketplace did not take assignment {assignment} ({answer.status}).")
        self._count()

    def do_page(self, person: Person, browser: Browser, frame: Page) -> Page | None:
        """Does one HIT's page and hands the answer back; the page that follows. None: the page refuses this person."""
        if find(frame, "refusal") is not None:
            return None
        config = read_config(frame)
        start = browser.post_json(frame.link(config["urls"]["start"]), {"token": config["token"], "consent": True}).data
        if start.get("state") not in ("stored", "working"):
            return None
        stored = start if start.get("state") == "stored" else self._answer(person, browser, frame, config, start)
        return browser.post_form(str(stored["submit_to"]), {k: str(v) for k, v in stored["fields"].items()})

    def use_links(self, addresses: Mapping[str, str]) -> Progress:
        """Each person opens their own link (name -> address) and works through it to the end."""
        for person in self.people:
            browser = self.browsers[person.name]
            page = browser.get(addresses[person.name])
            while (form := _find_link_form(page)) is not None:
                moved = browser.post_form(*fill_form(page, form, {}))
                if find(moved, "hit-config") is None:
                    page = moved
                    continue
                done = self.do_page(person, browser, moved)
                if done is None:
                    break
                self._count()
                page = done
        return self.progress

    def _count(self) -> None:
        with self._counting:
            self.progress.n_submitted += 1
            self.on_submitted(self.progress.n_submitted)

    def _give_back(self, browser: Browser, page: Page) -> None:
        """The page refuses this person, for example because they saw these crops before, and asks to return the HIT."""
        browser.post_form(*fill_form(page, "//form[@id='return-form']", {}))
        self.progress.n_returned += 1

    def _look(self, tiles: npt.NDArray[np.uint8], unit: dict[str, Any]) -> list[TileSight]:
        """`unit`: what the page says of it; photographs stand in sections."""
        return self.photographs.look(tiles) if "sections" in unit else self.viewer.look(tiles)

    @cached_property
    def photographs(self) -> PhotographViewer:
        return PhotographViewer(self.viewer.library)

    def _judge(self, person: Person, tiles: npt.NDArray[np.uint8], unit: dict[str, Any]) -> Sight:
        sights = self._look(tiles, unit)
        if "sections" in unit:
            return answer_question(
                person=person, sights=sights, knowledge=self.knowledge, seed=self.seed, asked=unit, error=self.error
            )
        return judge(person=person, sights=sights, knowledge=self.knowledge, seed=self.seed, phrase=unit["phrase"])

    def _answer(
        self, person: Person, browser: Browser, frame: Page, config: dict[str, Any], start: dict[str, Any]
    ) -> dict[str, Any]:
        units = fetch_tiles(browser, frame, config, start["sheets"])
        # Descriptions stand in the order of this assignment's page.
        sights = [self._judge(person, tiles, unit) for tiles, unit in zip(units, start["units"], strict=True)]
        for extra in range(_ROUNDS_OF_MUST_FIND):
            work = _fill_in(config["hit_type"], sights, start, person, extra)
            reply = browser.post_json(frame.link(config["urls"]["submit"]), work).data
            if reply.get("state") == "stored":
                return reply
            if reply.get("state") != "sent back":
                raise PageUnexpected(f"The HIT page refused an answer: {reply.get('error', reply)}.")
            sights = [
                _look_again(sight, [key_tile(tile) for tile in tiles], person, self.seed, extra)
                for sight, tiles in zip(sights, units, strict=True)
            ]
        raise PageUnexpected(f"{person.name} did not find what the page asks to find.")


def _fill_in(
    hit_type: str, sights: Sequence[Sight], start: dict[str, Any], person: Person, extra: int
) -> dict[str, object]:
    """What the page's script would send; the client id makes a repeated submit the same submit."""
    return {
        "work_token": start["work_token"],
        "client_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{start['work_token']} {person.name} {extra}")),
        "active_seconds": sum(sight.active_seconds for sight in sights),
        **find_hit_type(hit_type).simulate(sights),
    }


def _look_again(sight: Sight, keys: Sequence[str], person: Person, seed: int, extra: int) -> Sight:
    """The page sent the answer back as careless: the person also marks a quarter of the other tiles."""
    more = {p for p, key in enumerate(keys) if draw(seed, person.name, key, "again", extra) < 0.25}
    return replace(sight, marked=tuple(sorted(set(sight.marked) | more)), active_seconds=sight.active_seconds * 1.5)


def _find_link_form(page: Page) -> str | None:
    """The button that goes on, on the page of a link; None at its end."""
    names = ("start-form", "next-form")
    return next((f"//form[@id='{name}']" for name in names if find(page, name) is not None), None)
