"""The three marketplaces that speak MTurk: our own, Amazon's sandbox, and MTurk itself."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings

from annotator.crowd.marketplaces.facts import Facts, FeeSchedule, Verb

_CHECKS = frozenset(["locales", "min_approval_percent", "min_approved", "screening", "excluded_by", "required"])


@dataclass(frozen=True)
class Place:
    """Where the API answers; `simulated_prefix` begins the worker ids of programs, empty where there are none."""

    facts: Facts
    endpoint_url: str
    region_name: str = "us-east-1"
    simulated_prefix: str = ""


def find_place(name: str) -> Place:
    return {"own": _describe_own, "mturk-sandbox": _describe_sandbox, "mturk": _describe_mturk}[name]()


def _describe_own() -> Place:
    url = settings.SANDBOX_URL
    return Place(
        facts=Facts(
            name="own",
            title="own marketplace · play money",
            label="Own marketplace",
            tone="good",
            is_real_money=False,
            worker_url=f"{url}/worker/",
            submit_origins=(url,),
            frame_ancestors=(url,),
            **_common(),
        ),
        endpoint_url=url,
        simulated_prefix="ASIMULATED",  # MTurk's pattern for worker ids is A[A-Z0-9]+
    )


def _describe_sandbox() -> Place:
    url = "https://workersandbox.mturk.com"
    return Place(
        facts=Facts(
            name="mturk-sandbox",
            title="MTurk sandbox · play money",
            label="MTurk sandbox",
            tone="warn",
            is_real_money=False,
            worker_url=f"{url}/",
            submit_origins=(url,),
            frame_ancestors=(url,),
            **_common(),
        ),
        endpoint_url="https://mturk-requester-sandbox.us-east-1.amazonaws.com",
    )


def _describe_mturk() -> Place:
    return Place(
        facts=Facts(
            name="mturk",
            title="MTurk · real money",
            label="MTurk: real money",
            tone="bad",
            is_real_money=True,
            worker_url="https://worker.mturk.com/",
            submit_origins=("https://www.mturk.com",),
            frame_ancestors=("https://worker.mturk.com", "https://www.mturk.com"),
            **_common(),
        ),
        endpoint_url="https://mturk-requester.us-east-1.amazonaws.com",
    )


def _common() -> Any:
    return {
        "fees": FeeSchedule(),
        "verbs": frozenset(Verb),
        "checks": _CHECKS,
        "token_life": timedelta(hours=23),  # MTurk remembers a UniqueRequestToken for 24 hours
        "overturn_within": timedelta(days=30),
    }
