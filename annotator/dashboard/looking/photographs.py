"""One photograph of an image set: opened from a unit's crop, or by itself, with the units that fire on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.merges import lead_to_merged
from annotator.dashboard.frame.numbers import read_number
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.dashboard.frame.stages import say_stage
from annotator.dashboard.looking.seen import Seen
from annotator.dashboard.units.unit_record import find_speaking
from annotator.evidence.asking import CannotAsk
from annotator.evidence.looking import look_at
from annotator.evidence.models import Question
from annotator.refusals import Refusal
from annotator.units import gpu_queue
from annotator.units.models import DissectedUnit, Dissection, Image, Layer, TopImage, Unit
from annotator.units.strips import count_tiles
from workers.engine.format.artifact import ArtifactMalformed
from workers.store import StoreError

# Of the units of whose top images a photograph is one, so many are named.
N_RANKED = 24
# More layers than these are folded away, so that the photograph is in sight on a phone.
N_LAYERS_OPEN = 8


class NoCrops(Refusal):
    """No finished dissection measured the unit."""


@dataclass(frozen=True)
class LayerChoice:
    """A layer that was dissected over the photograph's image set."""

    dissection: Dissection
    path: str
    is_current: bool = False

    @property
    def address(self) -> str:
        return f"?dissection={self.dissection.pk}&{urlencode({'layer': self.path})}"


@dataclass(frozen=True)
class FoundCrop:
    """A unit as a dissection measured it, the crop of the rank that was asked for, and all of its ranks."""

    dissected: DissectedUnit
    shown: TopImage
    ranks: list[int]


def find_crop(network: str, layer: str, index: int, rank: int, named: str) -> FoundCrop:
    """As the named dissection measured it; else as that which speaks for the layer. Raises Http404, NoCrops."""
    units = Unit.objects.select_related("layer__network")
    unit = get_object_or_404(units, layer__network__name=network, layer__path=layer, index=index)
    dissected = _find_dissected(unit, named)
    if dissected is None:
        raise NoCrops("This unit has no crops: no finished dissection measured it.")
    dissected.unit = unit
    ranks = TopImage.objects.filter(dissected_unit=dissected)
    shown = get_object_or_404(ranks.select_related("image__image_set"), rank=rank)
    return FoundCrop(dissected, shown, sorted(ranks.values_list("rank", flat=True)))


@needs(Role.VIEWER)
def show_crop(request: SignedInRequest, network: str, layer: str, index: int, rank: int) -> HttpResponse:
    """One crop of a unit: the whole photograph, where the unit fires on it, and which other units do."""
    named = request.GET.get("dissection", "")
    try:
        found = find_crop(network, layer, index, rank, named)
    except NoCrops as missing:
        return show_refusal(request, str(missing), status=404)
    except Http404:
        return lead_to_merged(request)
    dissected, shown, others, unit = found.dissected, found.shown, found.ranks, found.dissected.unit
    place, query = others.index(rank), f"?dissection={named}" if named else ""
    around = [others[at] if 0 <= at < len(others) else None for at in (place - 1, place + 1)]
    return show(
        request,
        "dashboard/looking/crop.html",
        title=f"Unit {index} of {layer}, rank {rank}",
        subtitle=network,
        unit=unit,
        dissected=dissected,
        shown=shown,
        n_crops=len(others),
        n_tiles=count_tiles(dissected.dissection),
        previous_address=_crop_address(unit, around[0], query),
        next_address=_crop_address(unit, around[1], query),
        look=_look_address(shown.image, dissected.dissection_id, layer, index, rank),
    )


def _find_dissected(unit: Unit, named: str) -> DissectedUnit | None:
    """As the named dissection measured it; else as that which speaks for its layer."""
    try:
        wanted = UUID(named) if named else None
    except ValueError:
        raise Http404 from None
    if wanted is None:
        return find_speaking(unit)
    rows = DissectedUnit.objects.select_related("dissection__network", "dissection__image_set")
    return rows.defer("dissection__labels").filter(unit=unit, dissection=wanted).first()


def _crop_address(unit: Unit, rank: int | None, query: str) -> str:
    if rank is None:
        return ""
    return reverse("crop", args=[unit.layer.network.name, unit.layer.path, unit.index, rank]) + query


def _look_address(image: Image, dissection_id: UUID, layer: str, unit: int | None, rank: int | None = None) -> str:
    asked = {"dissection": dissection_id, "layer": layer, "unit": unit, "rank": rank}
    told = urlencode({name: str(value) for name, value in asked.items() if value is not None})
    return f"{reverse('look', args=[image.image_set.name, image.index])}?{told}"


@needs(Role.VIEWER)
def show_image(request: SignedInRequest, image_set: str, index: int) -> HttpResponse:
    """One photograph of an image set: which units fire on it, its labels, and its place among their top images."""
    image = _find_image(image_set, index)
    choices = list(_list_layers(image, request.GET.get("dissection", ""), request.GET.get("layer", "")))
    current = next((one for one in choices if one.is_current), choices[-1] if choices else None)
    unit = read_number(request.GET.get("unit", ""))
    places = TopImage.objects.filter(image=image, is_low=False, dissected_unit__dissection__is_baseline=False)
    places = places.select_related("dissected_unit__unit__layer__network").order_by("rank", "pk")
    ranked = list(places[: N_RANKED + 1])
    return show(
        request,
        "dashboard/looking/image.html",
        title=f"Photograph {image.path.rpartition('/')[2]}",
        subtitle=image_set,
        image=image,
        choices=choices,
        n_layers_open=N_LAYERS_OPEN,
        current=current,
        ranked=ranked[:N_RANKED],
        has_more_places=len(ranked) > N_RANKED,
        previous_index=index - 1 if index else None,
        next_index=index + 1 if index + 1 < image.image_set.n_images else None,
        look=_look_address(image, current.dissection.pk, current.path, unit) if current else "",
    )


def _list_layers(image: Image, dissection: str, layer: str) -> Iterator[LayerChoice]:
    """Oldest dissection first, the deepest layer of each last. A rotated basis has no units of the network."""
    done = _list_done().filter(image_set=image.image_set).order_by("created_at")
    seen: dict[tuple[int, str], LayerChoice] = {}
    for one in done:
        for path in () if one.options.get("rotation") else one.layer_paths:
            is_current = path == layer and str(one.pk) == dissection
            if (known := seen.get((one.network_id, path))) is None or is_current or not known.is_current:
                seen[one.network_id, path] = LayerChoice(one, path, is_current)
    yield from seen.values()


def _list_done() -> QuerySet[Dissection]:
    done = Dissection.objects.filter(state=Dissection.State.DONE, is_baseline=False)
    return done.select_related("network", "image_set").defer("labels", "environment", "detectors")


def _find_image(image_set: str, index: int) -> Image:
    return get_object_or_404(Image.objects.select_related("image_set"), image_set__name=image_set, index=index)


@needs(Role.VIEWER)
def show_look(request: SignedInRequest, image_set: str, index: int) -> HttpResponse:
    """A part of a photograph's page: where a unit fires, and which units do; asks a GPU process when first needed."""
    image, path = _find_image(image_set, index), request.GET.get("layer", "")
    try:
        dissection = get_object_or_404(_list_done(), pk=UUID(request.GET.get("dissection", "")))
    except ValueError:
        raise Http404 from None
    layer = get_object_or_404(Layer.objects.select_related("network"), network=dissection.network_id, path=path)
    if dissection.image_set_id != image.image_set_id or path not in dissection.layer_paths:
        raise Http404
    unit, rank = (read_number(request.GET.get(name, "")) for name in ("unit", "rank"))
    try:
        question = look_at(image=image, dissection=dissection, layer_path=path, now=timezone.now())
    except CannotAsk as busy:
        return show_part(request, "dashboard/looking/look.html", {"refusal": str(busy)})
    context: dict[str, object] = {
        "question": question,
        "refusal": question.refusal,
        "image": image,
        "layer": layer,
        "dissection": dissection,
        "again": _look_address(image, dissection.pk, path, unit, rank),
    }
    if question.state == Question.State.ASKED:
        word = gpu_queue.read_progress(question.id, 0)
        context["stage"] = say_stage(word)
    elif question.state == Question.State.ANSWERED:
        context |= _describe_seen(Seen(question, dissection, layer), unit, rank)
    return show_part(request, "dashboard/looking/look.html", context)


def _describe_seen(seen: Seen, unit: int | None, rank: int | None) -> dict[str, object]:
    """What lies over the photograph; a unit that the layer does not have is none."""
    try:
        n_units = len(seen.maps)
    except (StoreError, ArtifactMalformed, OSError):
        return {"refusal": "What was found of this photograph is not in the store any more, or the store is silent."}
    if unit is None or unit >= n_units:
        unit = seen.fired[0].firing.index if seen.fired else None
    if unit is None:
        return {"seen": seen}
    row, column = seen.find_peak(unit)
    measured = seen.measured.get(unit)
    crop = (
        TopImage.objects.filter(dissected_unit=measured, rank=rank).first() if measured and rank is not None else None
    )
    field = measured.empirical_size_px if measured else None
    return {
        "seen": seen,
        "unit_index": unit,
        "peak": seen.place_field(row, column, 0),
        "peak_value": float(seen.maps[unit, row, column]),
        "crop": seen.place_input(crop.crop_left, crop.crop_top, crop.crop_side) if crop else None,
        "field": seen.place_field(row, column, field) if field else None,
        "others": [one for one in seen.fired if one.firing.index != unit],
    }
