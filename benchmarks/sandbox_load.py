"""Many people at once at the sandbox: nobody refused while a HIT is free, nothing lost or doubled, quick acts.

Two crowds, without a pause. In the first the HITs have one place each, and everybody accepts and submits HIT after HIT
until none is left. In the second each person does each HIT once, and everybody accepts 25, then submits them. Between
their acts all ask for an empty view, too. Prints the 95th percentile of accepting and submitting as multiples of that
of the empty view under the same load, and of one that the same people asked for before, when nobody did anything else.
`LOAD_PEOPLE`, `LOAD_SINGLE_HITS` and `LOAD_HITS` shrink it.
"""

import contextlib
import http.client
import os
import random
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import boto3

from benchmarks._sandbox import RunningSandbox, running_sandbox

N_PEOPLE = int(os.environ.get("LOAD_PEOPLE", "100"))
N_HITS = int(os.environ.get("LOAD_HITS", "50"))
N_SINGLE_HITS = int(os.environ.get("LOAD_SINGLE_HITS", "1000"))
# Nobody may hold more HITs than this.
AT_ONCE = 25
N_VIEWS = 50
QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://example.org/hit</ExternalURL><FrameHeight>0</FrameHeight>'
    "</ExternalQuestion>"
)


class LostWork(Exception):
    """The books do not show what people did."""


class Visitor:
    """One person's browser: cookies, and a new connection for every request.

    http.client takes the least time of its own, which is part of both times that the benchmark compares.
    """

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.cookies: dict[str, str] = {}
        self.location = ""
        self.held: list[str] = []

    def ask(self, path: str, **fields: str) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if fields:
            fields["csrfmiddlewaretoken"] = self.cookies.get("unitscope_sandbox_csrf", "")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.host, timeout=120)
        connection.request("POST" if fields else "GET", path, urlencode(fields) or None, headers)
        response = connection.getresponse()
        page = response.read().decode()
        connection.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.location = response.headers.get("Location", "")
        if response.status >= 400:
            raise LostWork(f"{path} answered {response.status}: {re.sub('<[^>]+>', ' ', page)[-300:]}")
        return page


def sign_up(address: str, number: int) -> Visitor:
    visitor = Visitor(address)
    visitor.ask("/worker/sign-up")
    visitor.ask("/worker/sign-up", name=f"simulated-{number}", country="US", of_age="1")
    return visitor


@dataclass
class Times:
    """Seconds that each answer took."""

    accepts: list[float] = field(default_factory=list)
    submissions: list[float] = field(default_factory=list)
    views: list[float] = field(default_factory=list)

    def add(self, other: "Times") -> None:
        self.accepts += other.accepts
        self.submissions += other.submissions
        self.views += other.views


@contextlib.contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Adds how long it took, if nothing was raised."""
    began = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - began)


def accept_one(visitor: Visitor, group_id: str, times: Times) -> None:
    with timed(times.accepts):
        visitor.ask(f"/worker/groups/{group_id}/accept", go="1")
    visitor.held.append(visitor.location.rstrip("/").rpartition("/")[2])
    look(visitor, times)


def submit_all(visitor: Visitor, times: Times) -> None:
    random.Random(visitor.held[0]).shuffle(visitor.held)  # people do not work in step
    for number, assignment_id in enumerate(visitor.held):
        with timed(times.submissions):
            visitor.ask("/mturk/externalSubmit", assignmentId=assignment_id, description=f"stripes {number}")
        look(visitor, times)
    visitor.held.clear()


def look(visitor: Visitor, times: Times) -> None:
    with timed(times.views):
        visitor.ask("/healthz")


def all_at_once(visitors: list[Visitor], act: Callable[[Visitor, Times], None]) -> Times:
    """The times of what everybody did, in one thread each. Raises what the first of them met."""
    each = [Times() for _ in visitors]
    problems: list[Exception] = []

    def run(visitor: Visitor, mine: Times) -> None:
        try:
            act(visitor, mine)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(visitors, each, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    together = Times()
    for mine in each:
        together.add(mine)
    return together


def empty_group(visitors: list[Visitor], group_id: str) -> Times:
    """Everybody accepts and submits HIT after HIT until they are told that none is left."""

    def work(visitor: Visitor, mine: Times) -> None:
        while True:
            try:
                accept_one(visitor, group_id, mine)
            except LostWork as refused:
                if "There are no more HITs in this group for you" not in str(refused):
                    raise
                return
            submit_all(visitor, mine)

    return all_at_once(visitors, work)


def share_group(visitors: list[Visitor], group_id: str) -> Times:
    """Everybody accepts as many as they may hold, then submits them, until each did each HIT."""
    times = Times()

    def accept_some(visitor: Visitor, mine: Times) -> None:
        for _ in range(min(AT_ONCE, N_HITS)):
            accept_one(visitor, group_id, mine)

    for _ in range(max(1, N_HITS // AT_ONCE)):
        times.add(all_at_once(visitors, accept_some))
        times.add(all_at_once(visitors, submit_all))
    return times


def publish(sandbox: RunningSandbox, *, n_hits: int, n_places: int) -> tuple[object, list[str], str]:
    mturk = boto3.client("mturk", **sandbox.account)
    hits = [
        mturk.create_hit(
            Title=f"Load of {n_places}", Description="Load.", Reward="0.05", AssignmentDurationInSeconds=3600,
            LifetimeInSeconds=86_400, MaxAssignments=n_places, Question=QUESTION,
        )["HIT"]
        for _ in range(n_hits)
    ]  # fmt: skip
    return mturk, [hit["HITId"] for hit in hits], hits[0]["HITGroupId"]


def count_problems(mturk: object, hit_ids: list[str], *, n_places: int) -> int:
    """Assignments that are missing or there twice, counted through the API."""
    n_problems = 0
    for hit_id in hit_ids:
        pages = mturk.get_paginator("list_assignments_for_hit").paginate(  # type: ignore[attr-defined]
            HITId=hit_id, PaginationConfig={"PageSize": 100}
        )
        workers = [one["WorkerId"] for page in pages for one in page["Assignments"]]
        n_problems += abs(n_places - len(workers)) + len(workers) - len(set(workers))
    return n_problems


def look_often(visitor: Visitor, mine: Times) -> None:
    for _ in range(N_VIEWS):
        look(visitor, mine)


def tell(crowd: str, times: Times, *, alone: float) -> None:
    for act, seconds in (("accepting", times.accepts), ("submission", times.submissions)):
        p95 = percentile(seconds)
        print(f"sandbox_{crowd}{act}_p95_over_empty_view_p95 {p95 / percentile(times.views):.2f} <=6")
        print(f"sandbox_{crowd}{act}_p95_over_empty_view_alone_p95 {p95 / alone:.2f} <=6")


def main() -> None:
    with running_sandbox() as sandbox:
        visitors = [sign_up(sandbox.address, number) for number in range(N_PEOPLE)]
        alone = percentile(all_at_once(visitors, look_often).views)
        mturk, hit_ids, group_id = publish(sandbox, n_hits=N_SINGLE_HITS, n_places=1)
        times = empty_group(visitors, group_id)
        print(f"sandbox_free_hits_refused {N_SINGLE_HITS - len(times.accepts)} <=0")
        tell("single_hit_", times, alone=alone)
        n_problems = count_problems(mturk, hit_ids, n_places=1)
        mturk, hit_ids, group_id = publish(sandbox, n_hits=N_HITS, n_places=N_PEOPLE)
        times = share_group(visitors, group_id)
        tell("", times, alone=alone)
        n_problems += count_problems(mturk, hit_ids, n_places=N_PEOPLE)
        print(f"sandbox_assignments_lost_or_doubled {n_problems} <=0")
        print(f"sandbox_audit_differences {sandbox.manage('sandbox_audit').stdout.count('says')} <=0")


def percentile(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


if __name__ == "__main__":
    main()
