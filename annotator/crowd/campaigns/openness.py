"""Whether people can take a campaign's HITs now: open, expired, withdrawn, and how many answers are missing."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Q, Subquery, Sum

from annotator.crowd.models import HIT, Assignment, Campaign
from workers.engine.plurals import say_count

_LISTED = (Assignment.State.SUBMITTED, Assignment.State.APPROVED, Assignment.State.REJECTED)


@dataclass(frozen=True)
class Openness:
    """HITs that people can take, that have expired with answers missing, and that were withdrawn.

    `ends_at`: when the last HIT that is not complete expires, or expired (UTC); None: not known.
    """

    n_open: int = 0
    n_expired: int = 0
    n_withdrawn: int = 0
    n_missing: int = 0
    ends_at: datetime | None = None

    @property
    def is_expired(self) -> bool:
        """True if answers are missing and nobody can give them."""
        return bool(self.n_expired and not self.n_open)

    @property
    def words(self) -> str:
        """One or two sentences; empty if no HIT is open, expired or withdrawn."""
        missing = say_count(self.n_missing, "answer is", "answers are") + " missing."
        at = f"{self.ends_at:%Y-%m-%d %H:%M} UTC" if self.ends_at else ""
        said = []
        if self.is_expired:
            said.append(f"Expired at {at}: nobody can take a HIT, and {missing} Give it more time, or withdraw it.")
        elif self.n_open:
            until = f" until {at}" if at else ""
            expired = f" {say_count(self.n_expired, 'more has', 'more have')} expired." if self.n_expired else ""
            said.append(f"{say_count(self.n_open, 'HIT')} can be taken{until}; {missing}{expired}")
        if self.n_withdrawn:
            said.append(f"{say_count(self.n_withdrawn, 'HIT was', 'HITs were')} withdrawn.")
        return " ".join(said)


def find_openness(campaign: Campaign, *, now: datetime) -> Openness:
    """One query."""
    published = Q(state=HIT.State.PUBLISHED)
    is_over = published & Q(expires_at__lte=now)
    given = Assignment.objects.filter(hit__campaign=campaign, hit__state=HIT.State.PUBLISHED, state__in=_LISTED)
    n_given = given.order_by().values("hit__campaign").annotate(n=Count("id")).values("n")
    counts = campaign.hits.annotate(n_given=Subquery(n_given)).aggregate(
        n_open=Count("id", filter=published) - Count("id", filter=is_over),
        n_expired=Count("id", filter=is_over),
        n_withdrawn=Count("id", filter=Q(state=HIT.State.CANCELED)),
        n_asked=Sum("n_assignments", filter=published),
        ends_at=Max("expires_at", filter=published),
        n_answered=Max("n_given"),
    )
    n_missing = max(0, (counts.pop("n_asked") or 0) - (counts.pop("n_answered") or 0))
    return Openness(**counts, n_missing=n_missing)


def count_wanted(campaign: Campaign) -> int:
    """How many answers were asked for, without those that nobody can give since their HITs were withdrawn."""
    return campaign.hits.aggregate(n=Sum(F("n_assignments") - F("n_released")))["n"] or 0
