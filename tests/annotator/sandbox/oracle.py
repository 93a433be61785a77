"""The marketplace's rules once more, slow and plain: lists, loops and one pass over everything at every moment."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
DELETED_AFTER = 120 * 86_400


def fee(amount: Decimal, size: int) -> Decimal:
    percent = 40 if size >= 10 else 20
    return max(CENT, (amount * percent / 100).quantize(CENT, ROUND_HALF_UP))


@dataclass
class Work:
    """One assignment; times are seconds since the story began."""

    person: str
    deadline: float
    price: Decimal
    state: str = "Accepted"
    submitted_at: float = 0.0
    approve_at: float = 0.0


@dataclass
class Hit:
    reward: Decimal
    size: int
    expires_at: float
    duration: float
    delay: float
    work: list[Work] = field(default_factory=list)
    is_reviewing: bool = False
    is_deleted: bool = False
    # When it was expired ahead of its time; by itself it expires at expires_at.
    ended_at: float | None = None

    def in_state(self, *states: str) -> list[Work]:
        return [one for one in self.work if one.state in states]

    def n_open(self) -> int:
        return self.size - len(self.in_state("Accepted", "Submitted", "Approved", "Rejected"))

    def price(self) -> Decimal:
        return self.reward + fee(self.reward, self.size)

    def status(self, now: float) -> str:
        if self.is_deleted:
            return "Disposed"
        if self.n_open() > 0 and now < self.expires_at:
            return "Assignable"
        if self.in_state("Accepted"):
            return "Unassignable"
        return "Reviewing" if self.is_reviewing else "Reviewable"

    def held(self, now: float) -> Decimal:
        """Open places cost nothing once nobody can take them."""
        open_places = self.n_open() if now < self.expires_at and not self.is_deleted else 0
        return sum((one.price for one in self.in_state("Accepted", "Submitted")), open_places * self.price())


@dataclass
class Marketplace:
    """`spent` is what has left the requester's account for good: rewards, bonuses, fees."""

    deposit: Decimal
    now: float = 0.0
    spent: Decimal = Decimal(0)
    hits: dict[str, Hit] = field(default_factory=dict)

    def available(self) -> Decimal:
        return self.deposit - self.spent - self.held()

    def held(self) -> Decimal:
        return sum((hit.held(self.now) for hit in self.hits.values()), Decimal(0))

    def pass_time(self, seconds: float) -> None:
        """Second by second things fall due; only their order between two moments matters, and none depends on it."""
        self.now += seconds
        for hit in self.hits.values():
            for one in hit.in_state("Accepted"):
                if one.deadline <= self.now:
                    one.state = "Abandoned"
            for one in hit.in_state("Submitted"):
                if one.approve_at <= self.now:
                    self.approve(one)
            if hit.status(self.now) in ("Assignable", "Unassignable"):
                hit.is_reviewing = False
            ended_at = hit.expires_at if hit.ended_at is None else hit.ended_at
            is_over = hit.status(self.now) in ("Reviewable", "Reviewing") and not hit.in_state("Submitted")
            if is_over and self.now >= ended_at + DELETED_AFTER:
                hit.is_deleted = True

    def approve(self, work: Work) -> None:
        work.state = "Approved"
        self.spent += work.price
