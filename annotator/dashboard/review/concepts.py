"""All concepts of a campaign side by side: merge several into one, and split one unit's answers off."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show
from annotator.dashboard.review.pages import find_undoable
from annotator.labels.models import UnitLabel
from annotator.work.table import STEPS

N_LISTED = 400


@needs(Role.VIEWER)
def show_concepts(request: SignedInRequest, name: str) -> HttpResponse:
    """All concepts of a campaign with their counts."""
    campaign = get_object_or_404(Campaign, name=name)
    counted = UnitLabel.objects.filter(campaign=campaign).exclude(concept="").values_list("concept")
    concepts = counted.annotate(n=Count("id")).order_by("-n", "concept")
    return show(
        request,
        "dashboard/review/concepts.html",
        title=f"Concepts of {name}",
        campaign=campaign,
        concepts=concepts[:N_LISTED],
        n_concepts=concepts.count(),
        undoable=find_undoable(request, campaign) if may(request.role, Role.REVIEWER) else None,
        revisions=campaign.concept_revisions.select_related("unit__layer").exclude(kind="accept").order_by("-id")[:50],
    )


@require_POST
@needs(Role.REVIEWER)
def merge_some(request: SignedInRequest, name: str) -> HttpResponse:
    """Several concepts count as one from now on."""
    campaign = get_object_or_404(Campaign, name=name)
    job = ask_step(request, STEPS["merge-concepts"], campaign)
    messages.success(request, job.sentence)
    return redirect("concepts", name)


@require_POST
@needs(Role.REVIEWER)
def split_one(request: SignedInRequest, name: str, label_id: int) -> HttpResponse:
    """Some of a unit's answers leave their group and get another concept."""
    label = get_object_or_404(UnitLabel.objects.select_related("campaign", "unit__layer__network"), pk=label_id)
    ask_step(request, STEPS["split"], label)
    unit = label.unit
    return redirect("unit", unit.layer.network.name, unit.layer.path, unit.index)
