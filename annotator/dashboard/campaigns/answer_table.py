"""Which answers of a campaign the page lists, in which order, and what stands in a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, QuerySet
from django.http import QueryDict
from django.urls import reverse

from annotator.crowd.assignments import list_findings
from annotator.crowd.hit_types.templates import render_summary
from annotator.crowd.judging.excluding import list_judged_answers
from annotator.crowd.judging.suspicions import Flag, JudgedAnswer, find_suspicions
from annotator.crowd.models import ANSWERED, Answer, Assignment, Campaign, HITUnit
from annotator.dashboard.campaigns.chosen_units import WHY
from annotator.dashboard.campaigns.counts import read_campaign_counts
from annotator.dashboard.frame.thumbnails import N_CROPS

PAGE_SIZE = 50
# Each answer is judged against all others of the campaign. With more answers, a page would take too long.
MAX_JUDGED = 20_000
STATES = [one.value for one in ANSWERED]
# Column -> what its heading says. A minus before the column turns the order round.
COLUMNS = {"answer": "Answer", "unit": "Unit", "person": "Person", "time": "Active time", "state": "State"}
ORDERS = {
    "answer": "pk", "unit": "hit_id", "person": "worker__pseudonym", "time": "active_seconds", "state": "state",
}  # fmt: skip


class AnswerFilter(forms.Form):
    """What the address of the page may say; anything else is refused."""

    state = forms.ChoiceField(choices=[("", "any"), *((one, one) for one in STATES)], required=False)
    flagged = forms.ChoiceField(choices=[("", "any"), ("1", "suspected")], label="Suspicion", required=False)
    unit = forms.RegexField(
        r"^.{1,200}/[0-9]{1,8}$",  # a layer's name may hold slashes
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "layer/number"}),
        error_messages={"invalid": "A unit is written as layer/number, such as features.3/17."},
    )
    method = forms.ChoiceField(
        choices=[("", "any"), *((one, one) for one in WHY)], label="Unit chosen by", required=False
    )
    person = forms.CharField(max_length=80, required=False)
    sort = forms.ChoiceField(
        choices=[(sign + one, one) for one in ORDERS for sign in ("", "-")], required=False,
        widget=forms.HiddenInput,
    )  # fmt: skip

    def visible(self) -> list[forms.BoundField]:
        return [self[name] for name in ("state", "flagged", "unit", "method")]


@dataclass(frozen=True)
class AnswerRow:
    answer: Assignment
    summary: str
    strip: str
    flags: Sequence[Flag] = ()


@dataclass(frozen=True)
class AnswerTable:
    """`is_judged`: False if the campaign has too many answers to judge during a request."""

    rows: list[AnswerRow]
    page: "Page[Any]"
    is_judged: bool
    asked: Mapping[str, Any] = field(default_factory=dict)


def list_answers(campaign: Campaign, *, asked: Mapping[str, Any], given: QueryDict) -> AnswerTable:
    """One page of the answers that fit. `asked`: what `AnswerFilter` read of `given`."""
    n_answers = read_campaign_counts([campaign.pk])[campaign.pk].n_answers
    flags = _find_flags(tuple(list_judged_answers(campaign))) if n_answers <= MAX_JUDGED else None
    # A million answers are sorted by their keys; what else a row shows is read of one page.
    found = Paginator(_find(campaign, asked, flags or {}).values_list("pk", flat=True), PAGE_SIZE)
    if not any(value for name, value in asked.items() if name != "sort"):
        found.count = n_answers
    page = found.get_page(given.get("page"))
    answers = _read_rows().in_bulk(list(page))
    shown = [answers[pk] for pk in page if pk in answers]
    rows = [AnswerRow(one, _summarize(one), _find_strip(one), (flags or {}).get(one.pk, ())) for one in shown]
    return AnswerTable(rows, page, flags is not None, asked)


def _find(campaign: Campaign, asked: Mapping[str, Any], flags: Mapping[int, Sequence[Flag]]) -> "QuerySet[Assignment]":
    states = [asked["state"]] if asked["state"] else STATES
    found = Assignment.objects.filter(hit__campaign=campaign, state__in=states)
    if asked["flagged"]:
        found = found.filter(pk__in=[pk for pk, some in flags.items() if some])
    if asked["person"]:
        found = found.filter(worker__pseudonym=asked["person"])
    if asked["unit"] or asked["method"]:
        found = found.filter(hit__in=_find_units(campaign, asked).values("hit"))
    order = asked["sort"] or "answer"
    by = order[0] * (order[0] == "-") + ORDERS[order.removeprefix("-")]
    return found.order_by(by, "pk")


def _find_units(campaign: Campaign, asked: Mapping[str, Any]) -> "QuerySet[HITUnit]":
    units = HITUnit.objects.filter(hit__campaign=campaign)
    if asked["unit"]:
        layer, _, index = asked["unit"].rpartition("/")
        units = units.filter(unit__layer__path=layer, unit__index=int(index))
    return units.filter(chosen_because=asked["method"]) if asked["method"] else units


def _read_rows() -> "QuerySet[Assignment]":
    answers = Answer.objects.select_related("hit_unit__unit__layer__network", "hit_unit__dissected_unit")
    rows = Assignment.objects.select_related("worker", "hit__hit_type", "rejection").defer("draft", "raw_answer")
    return rows.prefetch_related(Prefetch("answers", answers.order_by("hit_unit__position")))


def _find_strip(row: Assignment) -> str:
    """The address of the first crops of its first unit; empty if it shows none."""
    shown = next((one.hit_unit.dissected_unit for one in row.answers.all()), None)
    return reverse("wall", args=[shown.dissection_id, shown.strip, N_CROPS, 1]) if shown and shown.strip else ""


@lru_cache(maxsize=8)
def _find_flags(answers: tuple[JudgedAnswer, ...]) -> Mapping[int, Sequence[Flag]]:
    """The suspicions by answer, kept by the answers themselves: one may change, or another take its place, while their
    number stays.
    """
    return find_suspicions(answers).flags


def _summarize(row: Assignment) -> str:
    return render_summary(row.hit.hit_type.template, list_findings(row.answers.all()))
