"""Makes the single-use links of a campaign, opens one again, withdraws one, and says what is owed for each."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet, Sum

from annotator.crowd.linked import Link, LinkedWork
from annotator.crowd.marketplaces.links.addresses import make_link_address
from annotator.crowd.models import Campaign
from annotator.refusals import Refusal

MAX_LINKS = 10_000
MAX_NOTE = 120
# Letters and digits of completion codes: none is taken for another.
CODE_LETTERS, CODE_LENGTH = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 8
LINK_COLUMNS = ("number", "note", "link")
OWED_COLUMNS = (
    "number", "note", "state", "code", "submitted", "approved", "reward_usd", "bonus_usd", "owed_usd",
    "links_in_browser",
)  # fmt: skip


class CannotHandOut(Refusal):
    """The campaign takes no links, or the link is not known."""


def make_links(campaign: Campaign, *, notes: Sequence[str], is_simulated: bool = False, now: datetime) -> list[Link]:
    """One link per note; a note says for whom it is and may be empty. Raises CannotHandOut."""
    if campaign.marketplace != "links":
        raise CannotHandOut(
            f"The campaign {campaign} is at the marketplace {campaign.marketplace}: only campaigns at links have links."
        )
    if any(len(note) > MAX_NOTE or not (note.isprintable()) for note in notes):
        raise CannotHandOut(f"A note is one line of at most {MAX_NOTE} printable characters.")
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)
        last = campaign.links.aggregate(last=Max("number"))["last"] or 0
        if not 1 <= len(notes) <= MAX_LINKS - last:
            raise CannotHandOut(f"A campaign has 1 to {MAX_LINKS} links, and {campaign} has {last} by now.")
        common = {"campaign": campaign, "is_simulated": is_simulated, "created_at": now}
        rows = [
            Link(number=last + place, note=note, code=make_code(), **common)
            for place, note in enumerate(notes, start=1)
        ]
        return Link.objects.bulk_create(rows)


def make_code() -> str:
    """A completion code, at random."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def reopen_link(campaign: Campaign, *, number: int) -> Link:
    """The person may go on in another browser: the next one that starts the link keeps it."""
    link = _find_link(campaign, number=number)
    link.browser_sha256, link.finished_at, link.revoked_at = "", None, None
    link.save(update_fields=["browser_sha256", "finished_at", "revoked_at"])
    return link


def revoke_link(campaign: Campaign, *, number: int, now: datetime) -> Link:
    """Nobody can work with it any more; what was done with it stays and is owed."""
    link = _find_link(campaign, number=number)
    link.revoked_at = link.revoked_at or now
    link.save(update_fields=["revoked_at"])
    return link


def list_links(campaign: Campaign) -> list[dict[str, object]]:
    """Rows of LINK_COLUMNS."""
    return [describe_link(link) for link in campaign.links.order_by("number")]


def describe_link(link: Link) -> dict[str, object]:
    return {"number": link.number, "note": link.note, "link": make_link_address(link.public_id)}


def list_owed(campaign: Campaign) -> Iterator[dict[str, object]]:
    """Rows of OWED_COLUMNS: what each person did, and what the requester owes them for approved work, in dollars."""
    shared = find_shared_browsers(campaign)
    yield from (describe_owed(link, reward_usd=campaign.reward_usd, shared=shared) for link in find_links(campaign))


def find_links(campaign: Campaign) -> "QuerySet[Link]":
    """By number, each with what was done with it."""
    done = ~Q(work__state=LinkedWork.State.ACCEPTED)
    return campaign.links.annotate(
        n_submitted=Count("work", filter=done),
        n_approved=Count("work", filter=Q(work__state=LinkedWork.State.APPROVED)),
        bonus=Sum("work__bonus_usd", default=Decimal(0)),
    ).order_by("number")


def find_shared_browsers(campaign: Campaign) -> dict[str, int]:
    """How many of the campaign's links a browser started (by what a link keeps of it), where it is more than one."""
    started = campaign.links.exclude(browser_sha256="").order_by().values("browser_sha256")
    return dict(started.annotate(n=Count("pk")).filter(n__gt=1).values_list("browser_sha256", "n"))


def describe_owed(link: Any, *, reward_usd: Decimal, shared: Mapping[str, int]) -> dict[str, object]:
    """Of a link of find_links. `links_in_browser`: how many its browser started; 0 before a browser has it."""
    reward = link.n_approved * reward_usd
    return {
        "number": link.number, "note": link.note, "state": _name_state(link), "code": link.code,
        "submitted": link.n_submitted, "approved": link.n_approved, "reward_usd": f"{reward:.2f}",
        "bonus_usd": f"{link.bonus:.2f}", "owed_usd": f"{reward + link.bonus:.2f}",
        "links_in_browser": shared.get(link.browser_sha256, 1) if link.browser_sha256 else 0,
    }  # fmt: skip


@dataclass(frozen=True)
class LinkCounts:
    """`n_used`: started by somebody. `n_answers`: HITs that were submitted with them."""

    n_made: int
    n_used: int
    n_finished: int
    n_withdrawn: int
    n_answers: int


def count_links(campaign: Campaign) -> LinkCounts:
    counts = campaign.links.aggregate(
        n_made=Count("pk"),
        n_used=Count("started_at"),
        n_finished=Count("finished_at", filter=Q(revoked_at=None)),
        n_withdrawn=Count("revoked_at"),
    )
    done = LinkedWork.objects.filter(link__campaign=campaign).exclude(state=LinkedWork.State.ACCEPTED)
    return LinkCounts(**counts, n_answers=done.count())


def _name_state(link: Link) -> str:
    if link.revoked_at is not None:
        return "withdrawn"
    if link.finished_at is not None:
        return "finished"
    return "started" if link.started_at is not None else "new"


def _find_link(campaign: Campaign, *, number: int) -> Link:
    link = campaign.links.filter(number=number).first()
    if link is None:
        raise CannotHandOut(f"The campaign {campaign} has no link {number}.")
    return link
