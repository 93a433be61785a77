"""What became of a call to a marketplace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotator.refusals import Refusal


@dataclass(frozen=True)
class Done:
    """`external_id`: the marketplace's id of what was made, if something was made; `response`: its answer as JSON."""

    external_id: str = ""
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotDone:
    """It was certainly not done and may be sent."""


@dataclass(frozen=True)
class NeedsHuman:
    """The marketplace shows something that no rule explains."""

    problem: str


Outcome = Done | NotDone | NeedsHuman


class UnknownMarketplace(Refusal):
    """No marketplace has this name."""


class RealMoneyRefused(Refusal):
    """Spending real money was asked for without all of its confirmations."""


class BadTerms(Refusal):
    """The marketplace's rules do not allow these terms."""


class CannotDo(Refusal):
    """The marketplace has no such act."""


class MarketplaceRefused(Refusal):
    """The marketplace answered no; `code` is its own."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class VisitRefused(Refusal):
    """The page cannot be shown to this visitor; the sentence is what they read."""

    def __init__(self, sentence: str, *, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class OutcomeUnknown(Refusal):
    """No usable answer came; the act may or may not have been done."""


class MarketplaceSilent(OutcomeUnknown):
    """The marketplace does not answer at all."""


class NoCredentials(Refusal):
    """The settings hold no key for this marketplace."""
