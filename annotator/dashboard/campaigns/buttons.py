"""The buttons of a campaign's page: each sends its work to the web queue and notes who asked for it."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.accounts.roles import LEAST_ROLE, Permission, may
from annotator.crowd.campaigns.ending import pause_campaign
from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.marketplace import open_marketplace
from annotator.crowd.marketplaces.outcomes import RealMoneyRefused
from annotator.crowd.marketplaces.prices import find_fee
from annotator.crowd.models import HIT, Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show_refusal
from annotator.labels.models import UnitLabel
from annotator.units.models import audit_subject
from annotator.work.jobs import read_jobs
from annotator.work.sending import send_work
from annotator.work.table import WORK

# How many answers a unit that is sent back gets on top.
N_MORE = 2


@require_POST
@needs(Role.RESEARCHER)
def start_work(request: SignedInRequest, name: str, kind: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, name=name)
    if kind not in WORK:
        return show_refusal(request, f"There is no work named {kind[:40]!r}.", status=404)
    if not may(request.role, WORK[kind]):
        return show_refusal(request, f"This takes the role {WORK[kind].value} or one above it.", status=403)
    try:
        permit = _read_permit(request, campaign, kind)
    except RealMoneyRefused as refused:
        return show_refusal(request, str(refused), status=403)
    if any(job.is_active and job.kind == kind for job in read_jobs(campaign=name, now=timezone.now())):
        messages.info(request, f"{kind} is under way already.")
        return redirect("campaign", name)
    subject = f"campaign {campaign.name}"
    write_audit_entry(actor=request.user, action=kind, subject=subject, details={}, now=timezone.now())
    send_work(campaign=name, kind=kind, user=request.user, is_permitted=permit is not None)
    return redirect("campaign", name)


@require_POST
@needs(Role.REVIEWER)
def ask_for_more(request: SignedInRequest, name: str) -> HttpResponse:
    """Sends one unit back to people for more answers, within the cap, and goes on to the next that waits."""
    label_id = request.POST.get("label", "")
    wanted = int(label_id) if label_id.isdecimal() and len(label_id) < 19 else 0
    label = get_object_or_404(UnitLabel.objects.select_related("unit__layer__network"), campaign__name=name, pk=wanted)
    hits = HIT.objects.filter(campaign__name=name, unit=label.unit).select_related("campaign")
    hit = hits.exclude(external_id="").first()
    if hit is None:
        return show_refusal(request, "This unit has no HIT on a marketplace that could be extended.", status=422)
    if refused := _refuse_more(hit):
        return show_refusal(request, refused, status=422)
    write_audit_entry(
        actor=request.user,
        action="send back",
        subject=audit_subject(label.unit),
        details={"campaign": name, "more answers": N_MORE},
        now=timezone.now(),
    )
    send_work(campaign=name, kind="ask-more", user=request.user, values=[hit.pk, N_MORE])
    messages.success(request, f"{label.unit}: sent back; {N_MORE} more people are asked.")
    return redirect(f"{reverse('review-next', args=[name])}?after={label.pk}")


def _refuse_more(hit: HIT) -> str:
    """Told at once, not where the queue's work fails: the reviewer goes on to the next unit."""
    campaign, target = hit.campaign, hit.n_assignments + N_MORE
    if hit.n_assignments < 10 <= target:
        return "A HIT of fewer than 10 assignments can never be extended to 10 or more."
    fees = open_marketplace(campaign.marketplace).fees
    fee = find_fee(amount_usd=campaign.reward_usd, n_assignments=target, fees=fees)
    price, left = N_MORE * (campaign.reward_usd + fee), campaign.budget_cap_usd - campaign.committed_usd
    return f"{N_MORE} more answers cost ${price:.2f}, and ${left:.2f} of the cap is left." if price > left else ""


@require_POST
@needs(Role.RESEARCHER)
def pause(request: SignedInRequest, name: str) -> HttpResponse:
    """The kill switch for spending: a paused campaign sends nothing more; people at work finish and are paid."""
    campaign = get_object_or_404(Campaign, name=name)
    is_paused = request.POST.get("resume") != "1"
    with transaction.atomic():
        pause_campaign(campaign=campaign, is_paused=is_paused)
        write_audit_entry(
            actor=request.user,
            action="pause" if is_paused else "resume",
            subject=f"campaign {name}",
            details={},
            now=timezone.now(),
        )
    return redirect("campaign", name)


def _read_permit(request: SignedInRequest, campaign: Campaign, kind: str) -> Permit | None:
    """Real money takes a payer and the campaign's name typed, beside the setting that the operator makes."""
    marketplace = open_marketplace(campaign.marketplace)
    if kind != "publish" or not marketplace.is_real_money:
        return None
    least = LEAST_ROLE[Permission.PUBLISH_WITH_REAL_MONEY]
    if not may(request.role, least):
        raise RealMoneyRefused(f"Real money takes the role {least.value} or one above it.")
    return give_permit(
        marketplace=marketplace,
        campaign_name=campaign.name,
        has_flag=request.POST.get("real_money") == "on",
        typed_name=request.POST.get("typed_name", ""),
        by=request.user.get_username(),
    )
