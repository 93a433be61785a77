"""The buttons of a campaign's page and of the review: each asks for one step of the table."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.numbers import read_key
from annotator.dashboard.frame.pages import SignedInRequest, show_refusal
from annotator.labels.models import UnitLabel
from annotator.work.performing import UnderWay
from annotator.work.table import STEPS


@require_POST
@needs(Role.RESEARCHER)
def start_work(request: SignedInRequest, name: str, kind: str) -> HttpResponse:
    """One step of the table of steps, by its name; see docs/commands.md."""
    campaign, step = get_object_or_404(Campaign, name=name), STEPS.get(kind)
    if step is None or step.subject != "campaign":
        return show_refusal(request, f"There is no work named {kind[:40]!r}.", status=404)
    try:
        ask_step(request, step, campaign)
    except UnderWay as under_way:
        messages.info(request, str(under_way))
    is_there = Campaign.objects.filter(name=name).exists()
    return redirect("campaign", name) if is_there else redirect("campaigns")


@require_POST
@needs(Role.REVIEWER)
def ask_for_more(request: SignedInRequest, name: str) -> HttpResponse:
    """Sends one unit back to people for more answers, within the cap, and goes on to the next that waits."""
    label_id = request.POST.get("label", "")
    wanted = read_key(label_id)
    labels = UnitLabel.objects.select_related("campaign", "unit__layer__network")
    label, step = get_object_or_404(labels, campaign__name=name, pk=wanted), STEPS["ask-more"]
    ask_step(request, step, label)
    messages.success(request, f"{label.unit}: sent back to people.")
    return redirect(f"{reverse('review-next', args=[name])}?after={label.pk}")


@require_POST
@needs(Role.RESEARCHER)
def pause(request: SignedInRequest, name: str) -> HttpResponse:
    """The kill switch for spending: a paused campaign sends nothing more; people at work finish and are paid."""
    step = STEPS["resume" if request.POST.get("resume") == "1" else "pause"]
    ask_step(request, step, get_object_or_404(Campaign, name=name))
    return redirect("campaign", name)
