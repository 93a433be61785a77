"""The buttons of a campaign's page: each sends its work to the web queue and notes who asked for it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.crowd.marketplaces import RealMoneyRefused, confirm_real_money, open_marketplace
from annotator.crowd.models import Campaign
from annotator.dashboard.access import needs
from annotator.dashboard.jobs import note_job, read_jobs
from annotator.dashboard.pages import SignedInRequest, show_refusal
from workers.app import app

# Work -> the role it takes. Publishing with real money takes a payer, see `_refuse_payment`.
WORK = {
    "publish": Role.RESEARCHER,
    "collect": Role.RESEARCHER,
    "approve": Role.PAYER,
    "label": Role.RESEARCHER,
    "compare": Role.RESEARCHER,
}


@require_POST
@needs(Role.RESEARCHER)
def start_work(request: SignedInRequest, name: str, kind: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, name=name)
    if kind not in WORK:
        return show_refusal(request, f"There is no work named {kind[:40]!r}.", status=404)
    if not may(request.role, WORK[kind]):
        return show_refusal(request, f"This takes the role {WORK[kind].value} or one above it.", status=403)
    if refused := _refuse_payment(request, campaign, kind):
        return show_refusal(request, refused, status=403)
    now = timezone.now()
    if any(job.is_active and job.kind == kind for job in read_jobs(campaign=name, now=now)):
        messages.info(request, f"{kind} is under way already.")
        return redirect("campaign", name)
    subject = f"campaign {campaign.name}"
    write_audit_entry(actor=request.user, action=kind, subject=subject, details={}, now=now)
    note_job(campaign=name, kind=kind, state="waiting", words="", now=now, by=request.user.get_username())
    try:
        app.send_task(f"dashboard.{kind}", args=[name], queue="web")
    except (OperationalError, OSError):
        note_job(campaign=name, kind=kind, state="failed", words="The queue does not answer.", now=now)
    return redirect("campaign", name)


def _refuse_payment(request: SignedInRequest, campaign: Campaign, kind: str) -> str:
    """Real money takes a payer and the campaign's name typed, beside the setting that the operator makes."""
    marketplace = open_marketplace(campaign.marketplace)
    if kind != "publish" or not marketplace.is_real_money:
        return ""
    if not may(request.role, Role.PAYER):
        return "Real money takes the role payer or one above it."
    try:
        confirm_real_money(
            marketplace=marketplace,
            has_flag=request.POST.get("real_money") == "on",
            campaign_name=campaign.name,
            typed_name=request.POST.get("typed_name", ""),
        )
    except RealMoneyRefused as refused:
        return str(refused)
    return ""
