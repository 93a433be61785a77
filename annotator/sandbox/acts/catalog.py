"""The work that one person can take: groups of HITs, and the next HIT of a group."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop

from annotator.sandbox.acts import qualifying
from annotator.sandbox.acts.standing import Standing
from annotator.sandbox.models import HIT, Assignment, HITType, Person, WorkerBlock
from annotator.sandbox.models.accounts import OWN, name_own_account
from annotator.sandbox.rules.states import LIVE, AssignmentState, HITStatus

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
    """A HIT type with HITs that this person may still take; `unmet` says why they may not accept.

    `test_id`: the qualification whose test, or request, would change that.
    """

    hit_type: HITType
    n_open: int
    unmet: str = ""
    test_id: str = ""
    may_preview: bool = True


def open_hits(person: Person | None, *, now: dt.datetime) -> QuerySet[HIT]:
    """HITs with places left, without those this person has worked on or whose requester blocks them."""
    hits = HIT.objects.filter(status=HITStatus.ASSIGNABLE, expires_at__gt=now)
    if person is None:
        return hits
    mine = Assignment.objects.filter(hit=OuterRef("pk"), person=person, state__in=LIVE)
    blocks = WorkerBlock.objects.filter(requester=OuterRef("requester"), person=person)
    return hits.filter(~Exists(mine), ~Exists(blocks))


def offered_hits(person: Person | None, *, now: dt.datetime) -> QuerySet[HIT]:
    """Open HITs without those that this person has returned: they decided, or the HIT's page told them it is not for
    them. They can still take one again by its own page."""
    hits = open_hits(person, now=now)
    if person is None:
        return hits
    returned = Assignment.objects.filter(hit=OuterRef("pk"), person=person, state=AssignmentState.RETURNED)
    return hits.filter(~Exists(returned))


def find_groups(person: Person | None, search: Search, *, now: dt.datetime) -> list[Group]:
    """All that the person may discover, in the order asked for; those that they may take come first."""
    open_ids = offered_hits(person, now=now).values("id")
    types = (
        HITType.objects.filter(reward_usd__gte=search.least_reward_usd)
        .annotate(n_open=Count("hits", filter=Q(hits__in=open_ids)))
        .filter(n_open__gt=0)
        .select_related("requester")
    )
    for word in search.words.split()[:10]:
        types = types.filter(
            Q(title__icontains=word) | Q(description__icontains=word) | Q(keywords__icontains=word)
            | _is_by(word)
        )  # fmt: skip
    found = list(types.order_by(*SORTS.get(search.sort, SORTS["newest"])))
    standing = Standing(person, found) if person is not None else None
    groups = [describe(kind, standing, n_open=kind.n_open) for kind in found]
    found_groups = [group for group in groups if group is not None and not (search.only_qualified and group.unmet)]
    return sorted(found_groups, key=lambda group: bool(group.unmet) and person is not None)


def _is_by(word: str) -> Q:
    """Of a requester whose name, as people read it, contains the word."""
    is_own, is_named = Q(requester__name=OWN), Q(requester__name__icontains=word)
    return is_named | is_own if word.lower() in name_own_account().lower() else is_named & ~is_own


def describe(kind: HITType, standing: Standing | None, *, n_open: int) -> Group | None:
    """None if this person may not know of it. `standing`: read for this HIT type among others; None: nobody's."""
    if not kind.requirements:
        return Group(kind, n_open)
    if standing is None:
        guards = {qualifying.guard(requirement) for requirement in kind.requirements}
        if "DiscoverPreviewAndAccept" in guards:
            return None
        return Group(
            kind,
            n_open,
            gettext_noop("Sign in to see whether you qualify."),
            may_preview="PreviewAndAccept" not in guards,
        )
    if qualifying.find_unmet(kind, standing=standing, action="Discover"):
        return None
    unmet = qualifying.find_unmet(kind, standing=standing, action="Accept")
    may_preview = qualifying.find_unmet(kind, standing=standing, action="Preview") is None
    if unmet is None:
        return Group(kind, n_open, may_preview=may_preview)
    return Group(kind, n_open, unmet.words, test_id=unmet.test_id, may_preview=may_preview)


def describe_one(kind: HITType, person: Person | None, *, n_open: int) -> Group | None:
    """None if this person may not know of it."""
    return describe(kind, Standing(person, [kind]) if person is not None else None, n_open=n_open)


def next_hit(kind: HITType, person: Person | None, *, after: int = 0, now: dt.datetime) -> HIT | None:
    """The oldest open HIT of the group after row `after`, then from the beginning; None if there is none."""
    hits = offered_hits(person, now=now).filter(hit_type=kind).order_by("id")
    return hits.filter(id__gt=after).first() or (hits.first() if after else None)
