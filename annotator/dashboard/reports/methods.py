"""The methods that describe a layer's units side by side: mean scores, shared words beside chance, and raters."""

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse

from annotator.accounts.models import Role
from annotator.comparison.method_figures import LayerMethods, describe_methods
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.descriptions.models import Description, Method
from annotator.units.models import Layer

# Pairs of methods times units: some two seconds.
MAX_COMPARED = 50_000
NAMED = ("network", "layer")


@needs(Role.VIEWER)
def show_methods(request: SignedInRequest) -> HttpResponse:
    """What methods say about a layer's units, and how often two of them use the same word."""
    if unknown := sorted(set(request.GET) - set(NAMED)):
        return show_refusal(request, f"This page has no setting named {unknown[0][:60]!r}.", status=400)
    layers = list(_find_described())
    wanted = [request.GET.get(name, "") for name in NAMED]
    chosen = next((one for one in layers if [one.network.name, one.path] == wanted), None)
    if any(wanted) and chosen is None:
        return show_refusal(request, "No method that was imported describes units of this layer.", status=404)
    chosen = chosen or (layers[0] if layers else None)
    found = _describe(chosen) if chosen else None
    return show(
        request,
        "dashboard/reports/methods.html",
        title="Methods",
        layers=layers,
        chosen=chosen,
        found=found,
        is_too_much=chosen is not None and found is None,
    )


def _find_described() -> QuerySet[Layer]:
    described = Description.objects.filter(unit__layer=OuterRef("pk"))
    layers = Layer.objects.filter(Exists(described)).select_related("network")
    return layers.order_by("network__name", "position", "path")


def _describe(layer: Layer) -> LayerMethods | None:
    """None if it would take too long for a page."""
    said = Description.objects.filter(method=OuterRef("pk"), unit__layer=layer)
    n_methods = Method.objects.filter(Exists(said)).count() + 2  # with people and labeled pixels
    ids = list(layer.units.values_list("pk", flat=True))
    return None if len(ids) * n_methods * (n_methods - 1) // 2 > MAX_COMPARED else describe_methods(ids)
