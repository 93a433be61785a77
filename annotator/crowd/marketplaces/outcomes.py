"""What became of a call to a marketplace."""

from dataclasses import dataclass
from typing import Any

from annotator.crowd.models import OutwardAct
from annotator.refusals import Refusal

State = OutwardAct.State


@dataclass(frozen=True)
class Verdict:
    """A state that an act is settled in, or PENDING: it was certainly not done and may be sent."""

    state: OutwardAct.State
    response: dict[str, Any] | None = None
    problem: str = ""

    @property
    def is_settled(self) -> bool:
        return self.state != State.PENDING


NOT_DONE = Verdict(state=State.PENDING)


class UnknownMarketplace(Refusal):
    """The name is not one of the three."""


class RealMoneyRefused(Refusal):
    """Spending real money was asked for without all of its confirmations."""


class MarketplaceRefused(Refusal):
    """The marketplace answered no; `code` is its own."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknown(Refusal):
    """No usable answer came; the act may or may not have been done."""


class MarketplaceSilent(OutcomeUnknown):
    """The marketplace does not answer at all."""


class NoCredentials(Refusal):
    """The settings hold no key for this marketplace."""
