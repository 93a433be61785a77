"""The single-use links of a campaign: how they stand, what is owed for them; makes, withdraws and opens them again."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.crowd.campaigns import handing_out
from annotator.crowd.marketplaces.links.addresses import make_link_address
from annotator.crowd.models import Campaign
from annotator.csv_files import write_csv
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.numbers import read_number
from annotator.dashboard.frame.pages import SignedInRequest, show
from workers.engine.plurals import say_count

PAGE_SIZE = 20
FILES = {"links": handing_out.LINK_COLUMNS, "owed": handing_out.OWED_COLUMNS}


def _find(name: str) -> Campaign:
    return get_object_or_404(Campaign, name=name, marketplace="links")


@needs(Role.RESEARCHER)
def show_links(request: SignedInRequest, name: str) -> HttpResponse:
    """Counts, and each link with its note, state, completion code, what is owed, and if its browser started others."""
    campaign = _find(name)
    page = Paginator(handing_out.find_links(campaign), PAGE_SIZE).get_page(request.GET.get("page"))
    shared = handing_out.find_shared_browsers(campaign)
    rows = [
        {
            **handing_out.describe_owed(link, reward_usd=campaign.reward_usd, shared=shared),
            "address": make_link_address(link.public_id),
            "is_simulated": link.is_simulated,
        }
        for link in page
    ]
    return show(
        request,
        "dashboard/campaigns/links.html",
        title="Links",
        subtitle=campaign.name,
        campaign=campaign,
        counts=handing_out.count_links(campaign),
        n_shared=len(shared),
        page=page,
        rows=rows,
    )


@require_POST
@needs(Role.RESEARCHER)
def make_some(request: SignedInRequest, name: str) -> HttpResponse:
    """Form fields: `notes`, one line per link; or `people`, how many without notes."""
    campaign, now = _find(name), timezone.now()
    notes = [line.strip() for line in request.POST.get("notes", "").splitlines() if line.strip()]
    notes = notes or [""] * min(read_number(request.POST.get("people", "")) or 0, handing_out.MAX_LINKS + 1)
    with transaction.atomic():
        made = handing_out.make_links(campaign, notes=notes, now=now)
        _note(request, campaign, "make links", {"links": len(made)})
    messages.success(request, f"{say_count(len(made), 'link')} made.")
    return redirect("links", name)


@require_POST
@needs(Role.RESEARCHER)
def change_link(request: SignedInRequest, name: str, number: int, act: str) -> HttpResponse:
    """`revoke` withdraws a link, `reopen` lets the person go on in another browser."""
    campaign = _find(name)
    with transaction.atomic():
        if act == "revoke":
            handing_out.revoke_link(campaign, number=number, now=timezone.now())
            said = f"Link {number} is withdrawn. What was done with it is owed."
        elif act == "reopen":
            handing_out.reopen_link(campaign, number=number)
            said = f"Link {number} can be started again, in any browser."
        else:
            raise Http404
        _note(request, campaign, f"{act} links", {"link": number})
    messages.success(request, said)
    return redirect("links", name)


@needs(Role.RESEARCHER)
def send_links(request: SignedInRequest, name: str, file: str) -> HttpResponse:
    """All links with their addresses, or what is owed for each, as CSV."""
    campaign = _find(name)
    if file not in FILES:
        raise Http404
    _note(request, campaign, "download links", {"file": file})
    rows = handing_out.list_links(campaign) if file == "links" else handing_out.list_owed(campaign)
    named = {"Content-Disposition": f'attachment; filename="{file}.csv"', "Cache-Control": "no-store"}
    return HttpResponse(write_csv(rows, columns=FILES[file]), content_type="text/csv; charset=utf-8", headers=named)


def _note(request: SignedInRequest, campaign: Campaign, action: str, details: dict[str, Any]) -> None:
    write_audit_entry(actor=request.user, action=action, subject=campaign.name, details=details, now=timezone.now())
