"""Campaigns: their list, one with live progress and cost, its units as people label them beside labeled pixels."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from annotator.accounts.models import Role
from annotator.comparison.reports import describe_set_aside
from annotator.crowd.hit_types.table import TABLE
from annotator.crowd.hit_types.templates import find_hit_type
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.judging.verdicts import Outcome, PhraseVerdict, count_verdicts, tell_best, tell_choices
from annotator.crowd.models import HIT, Campaign, HITUnit
from annotator.dashboard.campaigns.chosen_units import find_worker_site, list_chosen
from annotator.dashboard.campaigns.counts import read_openness, summarize_campaigns
from annotator.dashboard.campaigns.notices import describe_notices
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import list_offered
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.dashboard.frame.paging import read_page
from annotator.dashboard.frame.thumbnails import add_thumbnails
from annotator.labels.models import UnitLabel
from annotator.units.models import DissectedUnit, Unit
from annotator.work.performing import is_real_money, list_jobs
from annotator.work.states import find_standing, is_draft, is_ready

PAGE_SIZE = 50
N_NEEDS = 50
# How long the result of a job is shown.
JOBS_SHOWN = timedelta(days=1)


@needs(Role.VIEWER)
def show_campaigns(request: SignedInRequest) -> HttpResponse:
    """All campaigns, newest first."""
    page = Paginator(Campaign.objects.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    overviews = summarize_campaigns(list(page))
    return show(
        request,
        "dashboard/campaigns/campaigns.html",
        title="Campaigns",
        overviews=overviews,
        page=page,
        has_units=bool(overviews) or Unit.objects.exists(),
    )


@needs(Role.VIEWER)
def show_campaign(request: SignedInRequest, name: str) -> HttpResponse:
    """One campaign: progress, cost, the steps that can be taken, and its units."""
    standing = find_standing(name)
    if standing is None:
        raise Http404
    campaign = standing.campaign
    labels = (
        UnitLabel.objects.filter(campaign=campaign)
        .select_related("unit__layer__network", "comparison__automatic_label")
        .defer("reasons", "crop_probabilities")
        .order_by("-precision_low", "unit_id")  # as the gallery: this order has an index
    )
    offered = list_offered(request, standing)
    units = read_page(labels, number=request.GET.get("page"), size=PAGE_SIZE)
    first = _first_hit(campaign)
    return show(
        request,
        "dashboard/campaigns/campaign.html",
        title=f"Campaign {campaign.name}",
        units=units,
        notices=describe_notices(campaign, request.role),
        rows=add_thumbnails(list(units)),
        preview=f"{settings.HIT_PAGES_URL}/hit/{first.public_id}/" if first and not campaign.is_imported else "",
        can_publish=is_ready(standing),
        can_edit=is_draft(campaign),
        is_real_money=is_real_money(campaign),
        offered=offered,
        verdicts=_verdicts(campaign, first),
        outcomes=_outcomes(campaign, first),
        set_aside=describe_set_aside(campaign),
        choice=_describe_choice(campaign) if is_ready(standing) and not standing.has_answers else {},
        chosen=None if units.object_list else list_chosen(campaign, number=request.GET.get("page")),
        worker_site=find_worker_site(campaign),
        **_live(campaign),
    )


def _describe_choice(campaign: Campaign) -> dict[str, Any]:
    """How many units were chosen in which way, and how many silent ones of their layers were left out."""
    asked = HITUnit.objects.filter(hit__campaign=campaign)
    counts = asked.order_by().values_list("chosen_because").annotate(n=Count("unit", distinct=True))
    dissections = set(asked.order_by().values_list("dissected_unit__dissection", "unit__layer").distinct())
    silent = DissectedUnit.objects.exclude(silence="").filter(
        dissection__in={one for one, _ in dissections if one}, unit__layer__in={layer for _, layer in dissections}
    )
    return {"counts": [(reason or "not recorded", n) for reason, n in counts], "n_silent": silent.count()}


@needs(Role.VIEWER)
def show_campaign_progress(request: SignedInRequest, name: str) -> HttpResponse:
    """Progress and jobs, as the open page asks for them every few seconds. It is left if the campaign was deleted."""
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None and request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": reverse("campaigns")})
    if campaign is None:
        raise Http404
    live = _live(campaign)
    response = show_part(request, "dashboard/campaigns/progress.html", live)
    if request.GET.get("seen", live["seen"]) != live["seen"]:
        response["HX-Refresh"] = "true"  # the page has more to show now, or other buttons
    return response


@needs(Role.VIEWER)
def show_attention(request: SignedInRequest, name: str) -> HttpResponse:
    """What needs a person. It is a request of its own, because it reads each answer."""
    campaign = get_object_or_404(Campaign, name=name)
    needs_of = find_attention(campaign=campaign, now=timezone.now())
    context = {"needs": needs_of[:N_NEEDS], "n_needs": len(needs_of), "name": name}
    context["is_real_money"] = is_real_money(campaign)
    return show_part(request, "dashboard/campaigns/attention.html", context)


def _verdicts(campaign: Campaign, first: HIT | None) -> list[PhraseVerdict]:
    """The votes on each phrase. Empty if the campaign asks about no phrase, or nobody has answered."""
    template = first.hit_type.template if first else ""
    counted = count_verdicts(campaign) if template in TABLE and find_hit_type(template).asks_phrase else []
    return counted if any(one.n_answers for one in counted) else []


def _outcomes(campaign: Campaign, first: HIT | None) -> list[Outcome]:
    """What was said of photographs, of each unit or description."""
    tell = {"two_choice": tell_choices, "best_of": tell_best}.get(first.hit_type.template if first else "")
    return list(tell(campaign)) if tell else []


def _live(campaign: Campaign) -> dict[str, Any]:
    (overview,) = summarize_campaigns([campaign])
    jobs = list_jobs(campaign, since=timezone.now() - JOBS_SHOWN)
    ended = sorted(job.pk for job in jobs if not job.is_active)
    openness = read_openness(campaign, now=timezone.now())
    return {
        "campaign": campaign,
        "one": overview,
        "openness": openness,
        "jobs": jobs,
        "seen": "_".join(map(str, ended)),
    }


def _first_hit(campaign: Campaign) -> HIT | None:
    """Its page is shown without an assignment, as workers see it before they accept."""
    # This order has an index.
    hits = HIT.objects.filter(hit_type=campaign.hit_types.values("pk")[:1]).order_by("question_key")
    return hits.select_related("hit_type").only("public_id", "hit_type__template").first()
