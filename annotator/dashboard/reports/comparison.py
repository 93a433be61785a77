"""A campaign's people beside labeled pixels: the counts by relation, the table, and the charts."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.comparison.choosing import NothingToChoose, choose_differing, write_selection
from annotator.comparison.models import UnitComparison
from annotator.comparison.relations import Relation
from annotator.crowd.models import Campaign, HITUnit
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.dashboard.frame.thumbnails import add_thumbnails
from annotator.labels.labeling import open_lexicon

# On a phone each row is a card, and this many are 6,000 px long at most.
PAGE_SIZE = 25
N_AGAIN = 10
NAMED = ("relation", "page")
RELATIONS = [relation.value for relation in Relation]


@needs(Role.VIEWER)
def show_comparison(request: SignedInRequest, name: str) -> HttpResponse:
    """Labels by people beside labels by pixels, unit by unit."""
    campaign = get_object_or_404(Campaign, name=name)
    wanted = request.GET.get("relation", "")
    if set(request.GET) - set(NAMED) or wanted not in ("", *RELATIONS):
        return show_refusal(request, f"relation is one of {', '.join(RELATIONS)}.", status=400)
    compared = UnitComparison.objects.filter(unit_label__campaign=campaign)
    counts = dict(compared.values_list("relation").annotate(n=Count("id")).order_by())
    rows = (
        (compared.filter(relation=wanted) if wanted else compared)
        .select_related("automatic_label", "unit_label__unit__layer__network")
        .defer("unit_label__reasons", "unit_label__crop_probabilities")
        .order_by("-automatic_label__iou", "id")
    )
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    strips = add_thumbnails([one.unit_label for one in page])
    return show(
        request,
        "dashboard/reports/comparison.html",
        title=f"People and labeled pixels in {campaign.name}",
        campaign=campaign,
        counts=[(relation.value, counts.get(relation.value, 0)) for relation in Relation],
        n_compared=sum(counts.values()),
        n_simulated=compared.filter(unit_label__n_simulated__gt=0).count(),
        n_of_other_lexicon=compared.exclude(lexicon_sha256=open_lexicon().sha256).count(),
        wanted=wanted,
        ask_again=_ask_again(campaign) if may(request.role, Role.RESEARCHER) else "",
        page=page,
        rows=[(one, strip) for one, (_, strip) in zip(page, strips, strict=True)],
    )


def _ask_again(campaign: Campaign) -> str:
    """The address of a new campaign over the units that both sides are sure of and name differently; "" if none."""
    dissections = HITUnit.objects.filter(hit__campaign=campaign, dissected_unit__isnull=False).order_by()
    ids = dissections.values_list("dissected_unit__dissection_id", flat=True).distinct()
    try:
        units = write_selection(choose_differing(campaign=campaign, n_units=N_AGAIN))
    except NothingToChoose:
        return ""
    query = [("dissection", str(one)) for one in ids]
    return f"{reverse('launch')}?{urlencode([*query, ('units', ' '.join(units))])}" if query else ""
