"""The first page: what is running, its cost, what needs a person, and the units of highest precision."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse

from annotator.accounts.models import Role
from annotator.comparison.review_reasons import find_reasons
from annotator.crowd.letters import find_unread
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.counts import summarize_campaigns
from annotator.dashboard.dissections.listing import list_dissections
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.dashboard.units.best import choose_best
from annotator.labels.models import UnitLabel
from annotator.units.gpu_queue import GPUProcess, list_processes
from workers.valkey import ValkeyAway, connected

N_CAMPAIGNS = 6
N_DISSECTIONS = 3
N_SHOWN_UNITS = 12


@dataclass(frozen=True)
class Machines:
    """Signs of life of the GPU processes and the lengths of both queues, read from the broker.

    `is_reachable` is False when the broker does not answer; nothing else is then known."""

    is_reachable: bool
    processes: list[GPUProcess]
    n_waiting_gpu: int = 0
    n_waiting_web: int = 0


def read_machines() -> Machines:
    try:
        with connected(settings.REDIS_URL) as client:
            lengths = [int(client.llen(queue)) for queue in ("gpu", "web")]
        return Machines(True, list_processes(), *lengths)
    except ValkeyAway:
        return Machines(False, [])


@needs(Role.VIEWER)
def show_home(request: SignedInRequest) -> HttpResponse:
    """Campaigns and dissections with their progress, and what needs a person."""
    shown_as, cards = choose_best(n_most=N_SHOWN_UNITS)
    live = _live()
    is_dissecting = any(one["progress"] is not None for one in live["dissections"])
    return show(
        request,
        "dashboard/home/home.html",
        title="Home",
        shown_as=shown_as,
        cards=cards,
        is_dissecting=is_dissecting,
        **live,
    )


@needs(Role.VIEWER)
def show_live(request: SignedInRequest) -> HttpResponse:
    """The part of the home page that keeps itself up to date."""
    return show_part(request, "dashboard/home/live.html", _live())


def _live() -> dict[str, Any]:
    waiting = UnitLabel.objects.filter(find_reasons(), campaign=OuterRef("pk")).order_by().values("campaign")
    to_review = Coalesce(Subquery(waiting.annotate(n=Count("pk")).values("n")), 0)
    newest = Campaign.objects.annotate(n_to_review=to_review)[:N_CAMPAIGNS]
    counts = {one.name: one.n_to_review for one in newest if not one.is_imported}
    overviews = summarize_campaigns([*newest])
    return {
        "n_to_review": sum(counts.values()),
        "review_first": max(counts, key=lambda name: (counts[name], name), default=""),
        "overviews": overviews,
        "n_answers": sum(one.counts.n_answers for one in overviews),
        "n_wanted": sum(one.counts.n_wanted for one in overviews),
        "n_to_approve": sum(one.counts.n_submitted for one in overviews),
        "n_unread": find_unread().count(),
        "n_stuck": sum(one.n_stuck for one in overviews),
        "dissections": list_dissections(N_DISSECTIONS),
        "machines": read_machines(),
    }
