"""The queue of units that need a person's decision. The crops are shown first, alone; then all that is known."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.comparison.review_reasons import WORDS, find_reason, find_reasons
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import find_status, needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.numbers import read_key
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.dashboard.frame.thumbnails import add_thumbnails
from annotator.dashboard.units.unit_record import UnitRecord, gather_record
from annotator.labels.models import UnitLabel
from annotator.labels.undoing import find_last_decision
from annotator.refusals import Refusal
from annotator.units.models import AutomaticLabel
from annotator.work.performing import is_real_money
from annotator.work.steps.revising import tell_decision
from annotator.work.table import STEPS

ACTIONS = ("accept", "rename", "merge", "ask-more")
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
        undoable=find_undoable(request, campaign) if campaign and may(request.role, Role.REVIEWER) else None,
        has_more=len(found) == MAX_COUNTED,
    )


@needs(Role.REVIEWER)
def show_next_label(request: SignedInRequest, name: str) -> HttpResponse:
    """The first that waits after the one named by `after`; back to the list when there is none."""
    campaign = get_object_or_404(Campaign, name=name)
    after = request.GET.get("after", "0")
    later = find_waiting(campaign).filter(pk__gt=read_key(after))
    label = later.only("pk").first()
    if label is None:
        return redirect(f"{reverse('review')}?{urlencode({'campaign': name})}")
    return redirect("review-one", name, label.pk)


@needs(Role.REVIEWER)
def show_label(request: SignedInRequest, name: str, label_id: int) -> HttpResponse:
    """While the reviewer is blind, the page holds the crops alone. `?evidence=1` asks for the rest."""
    label, is_blind = _label(name, label_id), request.GET.get("evidence") != "1"
    return _show(request, label, {"is_blind": is_blind, "typed": request.GET.get("word", "")[:200]})


def _show(request: SignedInRequest, label: UnitLabel, view: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """`view`: is_blind, typed (the reviewer's word), and for a refused decision blind_word and problem."""
    record = gather_record(unit=label.unit, dissection_id=None, answer_id=None, mode=AutomaticLabel.Mode.PAPER.value)
    context: dict[str, Any] = {"crops_of": record.dissected, "n_tiles": record.n_tiles, "blind_word": view["typed"]}
    is_blind = view["is_blind"]
    context["crops"] = [replace(crop, n_marks=0, n_judges=0) if is_blind else crop for crop in record.crops]
    if not is_blind:
        context |= _gather_evidence(label, record)
    assert label.campaign is not None
    context |= {"name": label.campaign.name, "label_id": label.pk, "undoable": find_undoable(request, label.campaign)}
    title = f"Review unit {label.unit.index} of {label.unit.layer.path}"
    return show(request, "dashboard/review/review_one.html", title=title, status=status, **(context | view))


def _gather_evidence(label: UnitLabel, record: UnitRecord) -> dict[str, Any]:
    """What the page shows beside the crops to a reviewer who has asked for it."""
    answers = [shown for shown in record.answers if shown.answer.assignment.hit.campaign_id == label.campaign_id]
    concepts = UnitLabel.objects.filter(campaign=label.campaign).exclude(concept="").order_by("concept")
    return {
        "label": label,
        "is_real_money": is_real_money(label.campaign),
        "record": record,
        "answers": answers,
        "reasons": _reasons_of(label),
        "forms": sorted({answer["form"] for answer in label.reasons.get("answers", [])} - {""}),
        "concepts": concepts.values_list("concept", flat=True).distinct()[:500],
    }


@require_POST
@needs(Role.REVIEWER)
def take_decision(request: SignedInRequest, name: str, label_id: int) -> HttpResponse:
    """Accepts, renames, merges or skips one unit, or sends it back. What is refused is said on the same page."""
    label = _label(name, label_id)
    action = request.POST.get("action", "")
    onward = f"{reverse('review-next', args=[name])}?{urlencode({'after': label_id})}"
    if action == "skip":
        return redirect(onward)
    if action not in ACTIONS:
        return show_refusal(request, f"A decision is one of {', '.join(ACTIONS)} or skip.", status=400)
    try:
        job = ask_step(request, STEPS[action], label)
    except Refusal as refusal:
        view = {"typed": request.POST.get("into", "")[:200], "blind_word": request.POST.get("seen_blind", "")[:200]}
        return _show(
            request,
            _label(name, label_id),
            {"is_blind": False, "problem": str(refusal), **view},
            status=find_status(refusal),
        )
    messages.success(request, job.sentence or f"{label.unit}: sent back to people.")
    return redirect(onward)


@require_POST
@needs(Role.REVIEWER)
def undo_last(request: SignedInRequest, name: str) -> HttpResponse:
    """Takes back the reviewer's last decision in this campaign and opens the unit that it was about."""
    campaign = get_object_or_404(Campaign, name=name)
    decision = find_last_decision(campaign=campaign, reviewer=request.user.get_username())
    job = ask_step(request, STEPS["undo-decision"], campaign)
    messages.success(request, job.sentence)
    label = campaign.unit_labels.filter(unit=decision[-1].unit_id).first()
    return redirect("review-one", name, label.pk) if label else redirect("concepts", name)


@dataclass(frozen=True)
class Undoable:
    """The person's last decision: `pk` is its number, `words` say what was decided."""

    pk: int
    words: str


def find_undoable(request: SignedInRequest, campaign: Campaign) -> Undoable | None:
    """What the button Undo would take back."""
    decision = find_last_decision(campaign=campaign, reviewer=request.user.get_username())
    return Undoable(decision[0].pk, tell_decision(decision)) if decision else None


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
