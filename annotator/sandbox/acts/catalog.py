"""The work that one person can take: groups of HITs, and the next HIT of a group."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotator.sandbox.acts import qualifying
from annotator.sandbox.models import HIT, Assignment, HITType, Person, WorkerBlock
from annotator.sandbox.rules.states import LIVE, HITStatus

MAX_GROUPS = 500
SORTS = {
    "newest": ("-id",),
    "reward": ("-reward_usd", "-id"),
    "most": ("-n_open", "-id"),
    "time": ("duration_seconds", "-id"),
}


@dataclass(frozen=True)
class Search:
    words: str = ""
    least_reward_usd: Decimal = Decimal(0)
    sort: str = "newest"
    only_qualified: bool = False


@dataclass(frozen=True)
class Group:
    """A HIT type with HITs that this person may still take; `unmet` says why they may not accept."""

    hit_type: HITType
    n_open: int
    unmet: str = ""
    may_preview: bool = True


def open_hits(person: Person | None, *, now: dt.datetime) -> QuerySet[HIT]:
    """HITs with places left, without those this person has worked on or whose requester blocks them."""
    hits = HIT.objects.filter(status=HITStatus.ASSIGNABLE, expires_at__gt=now)
    if person is None:
        return hits
    mine = Assignment.objects.filter(hit=OuterRef("pk"), person=person, state__in=LIVE)
    blocks = WorkerBlock.objects.filter(requester=OuterRef("requester"), person=person)
    return hits.filter(~Exists(mine), ~Exists(blocks))


def find_groups(person: Person | None, search: Search, *, now: dt.datetime) -> list[Group]:
    """At most 500, in the order asked for, without those that the person may not discover."""
    open_ids = open_hits(person, now=now).values("id")
    types = (
        HITType.objects.filter(reward_usd__gte=search.least_reward_usd)
        .annotate(n_open=Count("hits", filter=Q(hits__in=open_ids)))
        .filter(n_open__gt=0)
        .select_related("requester")
    )
    for word in search.words.split()[:10]:
        types = types.filter(
            Q(title__icontains=word) | Q(description__icontains=word) | Q(keywords__icontains=word)
            | Q(requester__name__icontains=word)
        )  # fmt: skip
    found = types.order_by(*SORTS.get(search.sort, SORTS["newest"]))[:MAX_GROUPS]
    groups = [describe(kind, person, n_open=kind.n_open, now=now) for kind in found]
    return [group for group in groups if group is not None and not (search.only_qualified and group.unmet)]


def describe(kind: HITType, person: Person | None, *, n_open: int, now: dt.datetime) -> Group | None:
    """None if this person may not know of it."""
    if not kind.requirements:
        return Group(kind, n_open)
    if person is None:
        guards = {qualifying.guard(requirement) for requirement in kind.requirements}
        if "DiscoverPreviewAndAccept" in guards:
            return None
        return Group(kind, n_open, "Sign in to see whether you qualify.", may_preview="PreviewAndAccept" not in guards)
    if qualifying.first_unmet(kind, person=person, action="Discover", now=now):
        return None
    return Group(
        kind, n_open, qualifying.first_unmet(kind, person=person, action="Accept", now=now),
        may_preview=not qualifying.first_unmet(kind, person=person, action="Preview", now=now),
    )  # fmt: skip


def next_hit(kind: HITType, person: Person | None, *, after: int = 0, now: dt.datetime) -> HIT | None:
    """The oldest open HIT of the group after row `after`, then from the beginning; None if there is none."""
    hits = open_hits(person, now=now).filter(hit_type=kind).order_by("id")
    return hits.filter(id__gt=after).first() or (hits.first() if after else None)
