"""The list of HIT groups, and one group."""

from decimal import Decimal, InvalidOperation

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from annotator.sandbox.acts import catalog
from annotator.sandbox.models import HITType
from annotator.sandbox.worker import session

GROUPS_PER_PAGE = 100
_SORTS = (
    ("newest", gettext_noop("newest")),
    ("reward", gettext_noop("highest reward")),
    ("most", gettext_noop("most HITs")),
    ("time", gettext_noop("shortest time")),
)


@require_GET
def list_groups(request: HttpRequest) -> HttpResponse:
    """The groups of HITs that this person may see."""
    now = session.settled_now()
    person = session.find_person(request)
    search = catalog.Search(
        words=session.clean(request.GET.get("words", "")[:200]),
        least_reward_usd=_read_amount(request.GET.get("least_reward", "")),
        sort=request.GET.get("sort", "newest"),
        only_qualified=bool(request.GET.get("only_qualified")),
    )
    groups = Paginator(catalog.find_groups(person, search, now=now), GROUPS_PER_PAGE)
    page = groups.get_page(request.GET.get("page"))
    return session.show(
        request, "list", person, groups=page.object_list, page=page, other_pages=_find_pages(request, page),
        search=search, sort_choices=_SORTS,
    )  # fmt: skip


def _find_pages(request: HttpRequest, page: Page[catalog.Group]) -> list[tuple[str, str, str]]:
    """What the links before and after say, the queries of their addresses, and their relation to this page."""
    numbers = [
        (gettext_noop("Previous HITs"), "prev", page.number - 1 if page.has_previous() else 0),
        (gettext_noop("More HITs"), "next", page.number + 1 if page.has_next() else 0),
    ]
    found = []
    for words, relation, number in numbers:
        query = request.GET.copy()
        query["page"] = str(number)
        found += [(words, query.urlencode(), relation)] if number else []
    return found


def _read_amount(text: str) -> Decimal:
    """The minimum reward that a visitor typed; None if it is not a number."""
    try:
        amount = Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and 0 <= amount < 10**6 else Decimal(0)


@require_GET
def show_group(request: HttpRequest, group_id: str) -> HttpResponse:
    """What the group asks for, and its first 100 HITs that this person may take."""
    now = session.settled_now()
    person = session.find_person(request)
    kind = HITType.objects.filter(group_id=group_id).select_related("requester").first()
    if kind is None:
        return session.show_problem(request, person, "There is no such group of HITs.", status=404)
    hits = catalog.offered_hits(person, now=now).filter(hit_type=kind).order_by("id")
    returned = catalog.open_hits(person, now=now).filter(hit_type=kind).exclude(pk__in=hits.values("pk")).order_by("id")
    group = catalog.describe_one(kind, person, n_open=hits.count())
    if group is None:
        return session.show_problem(request, person, "There is no such group of HITs.", status=404)
    return session.show(request, "group", person, group=group, hits=hits[:100], returned=returned[:100])
