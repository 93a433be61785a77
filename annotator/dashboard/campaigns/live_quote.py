"""What a campaign would cost, while its form is filled in: nothing is written."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.crowd.campaigns.quoting import estimate_quote
from annotator.crowd.campaigns.unit_choice import Wanted, count_choice
from annotator.crowd.marketplaces.prices import Quote
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.launching import LaunchForm, TermsForm
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show_part
from annotator.refusals import Refusal
from annotator.work.steps.composing import count_hits

TEMPLATE = "dashboard/campaigns/live_quote.html"
# What is wrong in one of these would be priced as its default.
COUNTED = ("top_iou", "top_importance", "random", "units", "seed")
NEEDED = ("assignments", "reward", "marketplace")


@require_POST
@needs(Role.RESEARCHER)
def show_quote(request: SignedInRequest) -> HttpResponse:
    """The price of the campaign that the form describes now, or what is missing."""
    try:
        return show_part(request, TEMPLATE, _quote_new(request.POST))
    except Refusal as refused:
        return show_part(request, TEMPLATE, {"missing": str(refused)})


@require_POST
@needs(Role.RESEARCHER)
def show_changed_quote(request: SignedInRequest, name: str) -> HttpResponse:
    """The price of the campaign with the terms that the form states now."""
    campaign = get_object_or_404(Campaign, name=name)
    asked = _read(TermsForm(request.POST))
    if missing := _tell_missing(asked, NEEDED):
        return show_part(request, TEMPLATE, {"missing": missing})
    hit_type = campaign.hit_types.get()
    return show_part(request, TEMPLATE, _describe(asked, n_hits=campaign.hits.count(), template=hit_type.template))


def _quote_new(given: QueryDict) -> dict[str, Any]:
    """Raises Refusal."""
    form = LaunchForm(given)
    asked = _read(form)
    if wrong := [str(form.errors[name][0]) for name in COUNTED if name in form.errors]:
        return {"missing": wrong[0]}
    if missing := _tell_missing(asked, ("dissection", "template", *NEEDED)):
        return {"missing": missing}
    wanted = Wanted(
        n_top_iou=asked.get("top_iou"),
        n_top_importance=asked.get("top_importance") or 0,
        n_random=asked.get("random"),
        names=tuple(asked.get("units", "").split()),
    )
    n_units = count_choice(asked["dissection"], wanted=wanted)
    n_hits = count_hits(asked["template"], n_units, seed=asked.get("seed") or 0)
    return {"n_units": n_units} | _describe(asked, n_hits=n_hits, template=asked["template"])


def _read(form: TermsForm) -> dict[str, Any]:
    """What can be read so far; what is wrong or missing is left out."""
    form.is_valid()
    return dict(form.cleaned_data)


def _tell_missing(asked: dict[str, Any], needed: tuple[str, ...]) -> str:
    missing = [str(LaunchForm.base_fields[name].label or name).lower() for name in needed if not asked.get(name)]
    return f"Still needed for a price: {', '.join(missing)}." if missing else ""


def _describe(asked: dict[str, Any], *, n_hits: int, template: str) -> dict[str, Any]:
    quote: Quote = estimate_quote(
        n_hits=n_hits,
        n_assignments=asked["assignments"],
        reward_usd=asked["reward"],
        template=template,
        marketplace=asked["marketplace"],
    )
    cap: Decimal | None = asked.get("budget")
    return {"quote": quote, "cap": cap, "is_over": cap is not None and quote.total_usd > cap}
