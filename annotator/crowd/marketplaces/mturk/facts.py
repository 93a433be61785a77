"""The three marketplaces that speak MTurk: our own, Amazon's sandbox, and MTurk itself."""

import functools
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from annotator.crowd.marketplaces.facts import Facts, FeeSchedule, Verb

# Amazon states no time; its lists follow what was made within seconds as a rule.
AMAZON_LISTS_WITHIN = timedelta(minutes=10)
# What is true at all three.
_FACTS = functools.partial(
    Facts,
    fees=FeeSchedule(),
    verbs=frozenset(Verb),
    checks=frozenset(["locales", "min_approval_percent", "min_approved", "screening", "excluded_by", "required"]),
    token_life=timedelta(hours=23),  # MTurk remembers a UniqueRequestToken for 24 hours
    overturn_within=timedelta(days=30),
)


@dataclass(frozen=True)
class Place:
    """Where the API answers; `simulated_prefix` begins the worker ids of programs, empty where there are none.

    `signs_visits`: the address of a HIT page carries a proof of who holds the assignment (visits.py).
    `lists_letters`: it has ListWorkerMessages, which Amazon has not.
    """

    facts: Facts
    endpoint_url: str
    simulated_prefix: str = ""
    signs_visits: bool = False
    lists_letters: bool = False


def find_place(name: str) -> Place:
    own, sandbox, worker = settings.SANDBOX_URL, "https://workersandbox.mturk.com", "https://worker.mturk.com"
    return {
        "own": Place(
            _FACTS(
                name="own",
                title="own marketplace · play money",
                label="Own marketplace",
                tone="good",
                is_real_money=False,
                worker_url=f"{own}/worker/",
                submit_origins=(own,),
                frame_ancestors=(own,),
            ),
            endpoint_url=own,
            simulated_prefix="ASIMULATED",  # MTurk's pattern for worker ids is A[A-Z0-9]+
            signs_visits=True,
            lists_letters=True,
        ),
        "mturk-sandbox": Place(
            _FACTS(
                name="mturk-sandbox",
                title="MTurk sandbox · play money",
                label="MTurk sandbox",
                lists_within=AMAZON_LISTS_WITHIN,
                tone="warn",
                is_real_money=False,
                worker_url=f"{sandbox}/",
                submit_origins=(sandbox,),
                frame_ancestors=(sandbox,),
            ),
            endpoint_url="https://mturk-requester-sandbox.us-east-1.amazonaws.com",
        ),
        "mturk": Place(
            _FACTS(
                name="mturk",
                title="MTurk · real money",
                label="MTurk: real money",
                lists_within=AMAZON_LISTS_WITHIN,
                tone="bad",
                is_real_money=True,
                worker_url=f"{worker}/",
                submit_origins=("https://www.mturk.com",),
                frame_ancestors=(worker, "https://www.mturk.com"),
            ),
            endpoint_url="https://mturk-requester.us-east-1.amazonaws.com",
        ),
    }[name]
