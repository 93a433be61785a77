"""All concepts of a campaign side by side: merge several into one, and split one unit's answers off."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.dashboard.review.deciding import merge_everywhere, split_off
from annotator.labels.models import UnitLabel
from annotator.labels.revising import BadRevision

N_LISTED = 400


@needs(Role.VIEWER)
def show_concepts(request: SignedInRequest, name: str) -> HttpResponse:
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
        revisions=campaign.concept_revisions.select_related("unit__layer").exclude(kind="accept").order_by("-id")[:50],
    )


@require_POST
@needs(Role.REVIEWER)
def merge_some(request: SignedInRequest, name: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, name=name)
    chosen, into = request.POST.getlist("concept"), request.POST.get("into", "")
    try:
        n_labels = merge_everywhere(
            campaign=campaign, concepts=chosen, into=into, reviewer=request.user, now=timezone.now()
        )
    except BadRevision as bad:
        return show_refusal(request, str(bad), status=422)
    messages.success(request, f"{n_labels} units named anew")
    return redirect("concepts", name)


@require_POST
@needs(Role.REVIEWER)
def split_one(request: SignedInRequest, name: str, label_id: int) -> HttpResponse:
    label = get_object_or_404(UnitLabel.objects.select_related("campaign", "unit__layer__network"), pk=label_id)
    forms, into = request.POST.getlist("form"), request.POST.get("into", "")
    try:
        split_off(label=label, forms=forms, into=into, reviewer=request.user, now=timezone.now())
    except BadRevision as bad:
        return show_refusal(request, str(bad), status=422)
    unit = label.unit
    return redirect("unit", unit.layer.network.name, unit.layer.path, unit.index)
