"""One unit at its permanent address: /units/<network>/<layer>/<index>/."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Avg, StdDev
from django.http import HttpResponse

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.merges import lead_to_merged
from annotator.dashboard.frame.numbers import MAX_KEY_DIGITS, read_number
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.dashboard.units.unit_record import UnitRecord, gather_record
from annotator.notes.noting import list_noted
from annotator.units.finding import find_neighbors, find_unit
from annotator.units.layer_facts import spell_layer
from annotator.units.models import AutomaticLabel, DissectedUnit
from workers.engine.plurals import say_count

# More are on the page of all notes.
MAX_NOTES = 50
NAMED = ("dissection", "answer", "mode")
# Of the histogram: shapes for an SVG in the template, without a script, so that they follow the theme.
WIDTH, HEIGHT = 320.0, 90.0


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    words: str
    is_beyond: bool


@dataclass(frozen=True)
class Histogram:
    """Counts of peaks over the image set; `rule_x` is the threshold's place, None if it is outside the range."""

    bars: list[Bar]
    rule_x: float | None
    low: float
    high: float


@needs(Role.VIEWER)
def show_unit(request: SignedInRequest, network: str, layer: str, index: int) -> HttpResponse:
    """One unit: crops, labels by people and by pixels, answers, history."""
    unit = find_unit(network, layer, index)
    if unit is None:
        return lead_to_merged(request)
    try:
        dissection, answer, mode = _read_view(request)
    except ValueError as unclear:
        return show_refusal(request, str(unclear), status=400)
    if request.is_guest:
        answer = None  # one person's marks
    previous_index, next_index = find_neighbors(unit)
    record = gather_record(unit=unit, dissection_id=dissection, answer_id=answer, mode=mode)
    tags, notes = list_noted(unit, n_notes=MAX_NOTES)
    return show(
        request,
        "dashboard/units/unit.html",
        title=f"Unit {index} of {layer}",
        subtitle=network,
        record=record,
        unit=unit,
        histogram=_histogram(record),
        layer_field=_layer_field(record),
        read_as=spell_layer(record.dissected.dissection, layer) if record.dissected else "",
        previous_index=previous_index,
        next_index=next_index,
        descriptions=unit.descriptions.select_related("method").order_by("method__name"),
        modes=AutomaticLabel.Mode.choices,
        mode=mode,
        tags=tags,
        notes=[] if request.is_guest else notes,
    )


def _read_view(request: SignedInRequest) -> tuple[UUID | None, int | None, str]:
    unknown = sorted(set(request.GET) - set(NAMED))
    if unknown:
        raise ValueError(f"This page has no setting named {unknown[0][:60]!r}. There are: {', '.join(NAMED)}.")
    dissection, answer = request.GET.get("dissection"), request.GET.get("answer")
    mode = request.GET.get("mode") or AutomaticLabel.Mode.PAPER.value
    if mode not in AutomaticLabel.Mode.values:
        raise ValueError(f"mode is one of {', '.join(AutomaticLabel.Mode.values)}.")
    if answer and read_number(answer, max_digits=MAX_KEY_DIGITS) is None:
        raise ValueError("answer is a whole number.")
    try:
        return UUID(dissection) if dissection else None, int(answer) if answer else None, mode
    except ValueError:
        raise ValueError("dissection is the id of a dissection.") from None


def _histogram(record: UnitRecord) -> Histogram | None:
    dissected = record.dissected
    if dissected is None or not dissected.peak_histogram:
        return None
    low, high = dissected.peak_low, dissected.peak_high
    return draw_histogram(counts=dissected.peak_histogram, low=low, high=high, threshold=dissected.threshold)


def draw_histogram(*, counts: Sequence[int], low: float, high: float, threshold: float) -> Histogram:
    """Bars of equal width from low to high; heights are square roots, so that a long tail stays visible."""
    step = WIDTH / max(1, len(counts))
    tallest = max(counts, default=0) ** 0.5 or 1.0
    span = high - low
    bars = []
    for position, count in enumerate(counts):
        start, end = (low + span * (position + side) / len(counts) for side in (0, 1))
        height = HEIGHT * count**0.5 / tallest
        words = f"{say_count(count, 'image')} with a peak from {start:.3g} to {end:.3g}"
        bars.append(Bar(position * step, HEIGHT - height, max(1.0, step - 1.5), height, words, start >= threshold))
    inside = span > 0 and low <= threshold <= high
    return Histogram(bars, WIDTH * (threshold - low) / span if inside else None, low, high)


def _layer_field(record: UnitRecord) -> dict[str, float] | None:
    """Mean and deviation of the empirical receptive field over the layer's units, in pixels."""
    dissected = record.dissected
    if dissected is None or dissected.empirical_size_px is None:
        return None
    measured = DissectedUnit.objects.filter(dissection=dissected.dissection_id, unit__layer=record.unit.layer_id)
    found: dict[str, float] = measured.aggregate(mean=Avg("empirical_size_px"), deviation=StdDev("empirical_size_px"))
    return found
