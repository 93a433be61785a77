"""The queue of units that need a person's decision. The crops are shown first, alone; then all that is known."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.comparison.review_reasons import WORDS, find_reason, find_reasons
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.dashboard.frame.thumbnails import add_thumbnails
from annotator.dashboard.units.unit_record import gather_record
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel
from annotator.work.performing import is_real_money
from annotator.work.table import STEPS

ACTIONS = ("accept", "rename", "merge")
MAX_COUNTED = 1000
N_LISTED = 30


@needs(Role.VIEWER)
def show_review(request: SignedInRequest) -> HttpResponse:
    """The queue of units that wait for a decision, with the reasons."""
    campaign = _campaign(request)
    found = list(_tell_reasons(find_waiting(campaign)))
    listed = UnitLabel.objects.select_related("unit__layer__network", "comparison__automatic_label").defer("reasons")
    return show(
        request,
        "dashboard/review/review.html",
        title="Review",
        campaign=campaign,
        campaigns=_list_labeled()[:50],
        reasons=[(words, sum(row[i] for row in found)) for i, words in enumerate(WORDS.values(), start=1)],
        listed=add_thumbnails(listed.filter(pk__in=[pk for pk, *_ in found[:N_LISTED]]).order_by("pk")),
        n_waiting=len(found),
        has_more=len(found) == MAX_COUNTED,
    )


@needs(Role.REVIEWER)
def show_next_label(request: SignedInRequest, name: str) -> HttpResponse:
    """The first that waits after the one named by `after`; back to the list when there is none."""
    campaign = get_object_or_404(Campaign, name=name)
    after = request.GET.get("after", "0")
    later = find_waiting(campaign).filter(pk__gt=int(after) if after.isdecimal() and len(after) < 19 else 0)
    label = later.only("pk").first()
    if label is None:
        return redirect(f"{reverse('review')}?{urlencode({'campaign': name})}")
    return redirect("review-one", name, label.pk)


@needs(Role.REVIEWER)
def show_label(request: SignedInRequest, name: str, label_id: int) -> HttpResponse:
    """While the reviewer is blind, the page holds the crops alone. `?evidence=1` asks for the rest."""
    label = _label(name, label_id)
    is_blind = request.GET.get("evidence") != "1"
    record = gather_record(unit=label.unit, dissection_id=None, answer_id=None, mode=AutomaticLabel.Mode.PAPER.value)
    context: dict[str, Any] = {"is_blind": is_blind, "crops_of": record.dissected, "n_tiles": record.n_tiles}
    context["crops"] = [replace(crop, n_marks=0, n_judges=0) if is_blind else crop for crop in record.crops]
    if not is_blind:
        context |= {
            "label": label,
            "is_real_money": is_real_money(label.campaign),
            "record": record,
            "answers": [
                shown for shown in record.answers if shown.answer.assignment.hit.campaign_id == label.campaign_id
            ],
            "reasons": _reasons_of(label),
            "forms": sorted({answer["form"] for answer in label.reasons.get("answers", [])} - {""}),
            "concepts": UnitLabel.objects.filter(campaign=label.campaign)
            .order_by("concept")
            .values_list("concept", flat=True)
            .distinct()[:500],
            "blind_word": request.GET.get("word", "")[:200],
        }
    title = f"Review unit {label.unit.index} of {label.unit.layer.path}"
    return show(request, "dashboard/review/review_one.html", title=title, name=name, label_id=label_id, **context)


@require_POST
@needs(Role.REVIEWER)
def take_decision(request: SignedInRequest, name: str, label_id: int) -> HttpResponse:
    """Accepts, renames, merges or skips one unit."""
    label = _label(name, label_id)
    action = request.POST.get("action", "")
    onward = f"{reverse('review-next', args=[name])}?{urlencode({'after': label_id})}"
    if action == "skip":
        return redirect(onward)
    if action not in ACTIONS:
        return show_refusal(request, f"A decision is one of {', '.join(ACTIONS)} or skip.", status=400)
    ask_step(request, STEPS[action], label)
    messages.success(request, f"{label.unit}: {action}, {label.concept or 'no word'}")
    return redirect(onward)


def find_waiting(campaign: Campaign | None) -> QuerySet[UnitLabel]:
    return UnitLabel.objects.filter(find_reasons(), campaign=campaign).order_by("pk")


def _campaign(request: SignedInRequest) -> Campaign | None:
    if name := request.GET.get("campaign"):
        return get_object_or_404(Campaign, name=name)
    newest = UnitLabel.objects.filter(campaign__is_imported=False).order_by("-id").select_related("campaign").first()
    return newest.campaign if newest else None


def _label(name: str, label_id: int) -> UnitLabel:
    labels = UnitLabel.objects.select_related("campaign", "unit__layer__network", "comparison__automatic_label")
    return get_object_or_404(labels, campaign__name=name, pk=label_id)


def _reasons_of(label: UnitLabel) -> list[str]:
    ((_, *applies),) = _tell_reasons(UnitLabel.objects.filter(pk=label.pk))
    return [words for words, does in zip(WORDS.values(), applies, strict=True) if does]


def _tell_reasons(labels: QuerySet[UnitLabel]) -> Iterable[tuple[int, ...]]:
    """(id, 1 or 0 for each reason) of each label; at most MAX_COUNTED."""
    applies = [Case(When(find_reason(name), then=Value(1)), default=Value(0)) for name in WORDS]
    rows: Iterable[tuple[int, ...]] = labels.values_list("pk", *applies)[:MAX_COUNTED]
    return rows


def _list_labeled() -> QuerySet[Campaign, str]:
    labels = UnitLabel.objects.filter(campaign=OuterRef("pk"))
    return Campaign.objects.filter(Exists(labels)).values_list("name", flat=True)
