"""Pure: what is true of a marketplace for every campaign: its names, fees, rules and addresses."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class Verb(StrEnum):
    """What we do at a marketplace, in our own words. Stored with each outward act."""

    REGISTER = "register"
    PUBLISH = "publish"
    EXTEND = "extend"
    STOP = "stop"
    PROLONG = "prolong"
    APPROVE = "approve"
    REJECT = "reject"
    OVERTURN = "overturn"
    PAY_BONUS = "pay_bonus"
    QUALIFY = "qualify"


@dataclass(frozen=True)
class FeeSchedule:
    """The marketplace's fee on a reward or bonus; shares of 1."""

    share: Decimal = Decimal("0.20")
    large_hit_share: Decimal = Decimal("0.20")
    large_hit_from: int = 10
    min_usd: Decimal = Decimal("0.01")


@dataclass(frozen=True)
class Facts:
    name: str
    # As pages name it: in a sentence, and as one word in the header of every page.
    title: str
    label: str
    tone: Literal["good", "warn", "bad"]
    is_real_money: bool
    fees: FeeSchedule
    # Where people find the HITs.
    worker_url: str
    verbs: frozenset[Verb]
    # The keys of `Campaign.qualifications` that it can check.
    checks: frozenset[str]
    # How long the same call with the same token is certainly done once.
    token_life: timedelta
    # How long a rejection can be overturned; None: never.
    overturn_within: timedelta | None
    # Origins that the HIT page may hand its answer back to, and that may frame it.
    submit_origins: tuple[str, ...]
    frame_ancestors: tuple[str, ...]
    # For so long a HIT that was made may be missing in its list of HITs.
    lists_within: timedelta = timedelta(0)
