"""The units that pass a selection, in its order: as many ids as a page needs, found without reading every row.

Which label gives the order decides how the database walks: along that label's own index, until there are enough. Units
that have no such label come last, and are looked for only when the others end before the page does.
"""

from django.db.models import F, FilteredRelation, Q, QuerySet

from annotator.comparison.relations import SAME_THING
from annotator.comparison.review_reasons import find_reasons
from annotator.dashboard.units.meaning import Meaning, find_meaning
from annotator.dashboard.units.scope import Scope, choose_by_layer
from annotator.dashboard.units.selection import Selection
from annotator.descriptions.models import Description, Method
from annotator.labels.models import UnitLabel
from annotator.notes.models import UnitTag
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel, Unit

# Beyond this the gallery says "more than": an exact count would read every row.
MAX_COUNTED = 500

# Order -> the label ("": the unit itself) and field that give it, and True if the highest comes first.
ORDERS = {
    "iou": ("broden", "iou", True),
    # Surely high and surely low: one answer leaves a wide interval.
    "precision": ("people", "precision_low", True),
    "least-precise": ("people", "precision_high", False),
    "concept": ("people", "concept", False),
    "label": ("broden", "label", False),
    "importance": ("", "importance", True),
    "method": ("described", "score", True),
}
LOOKUPS = {
    "category": "people__category",
    "broden_category": "broden__category",
    "precision_min": "people__precision__gte",
    "precision_max": "people__precision__lte",
    "iou_min": "broden__iou__gte",
    "iou_max": "broden__iou__lte",
    "importance_min": "importance__gte",
    "importance_max": "importance__lte",
    "index": "index",
}
# Filters that only a unit with such a label can pass.
ASKING = {
    "people": {"category", "precision_min", "precision_max", "agreement_min", "relation", "review"},
    "broden": {"broden_category", "iou_min", "iou_max", "relation"},
}


def find_units(selection: Selection, scope: Scope, *, n_most: int, meaning: Meaning | None = None) -> list[int]:
    """Ids of the first n_most units that pass, in the order asked for; ties by id. `meaning` is that of the selection's
    text, if the caller knows it already.
    """
    if meaning is None and selection.get("concept"):
        meaning = find_meaning(str(selection.get("concept")))
    units = _narrow(selection, scope, meaning)
    conditions = _within(selection, scope) & _conditions(selection, meaning)
    sort = str(selection.get("sort") or "iou")
    if sort == "index":
        return _list(units.filter(conditions).order_by("layer_id", "index"), n_most)
    label, field, is_descending = ORDERS[sort]
    key = f"{label}__{field}" if label else field
    # In the same call as the conditions: a second call would join the labels again.
    known = units.filter(conditions & Q(**{f"{key}__isnull": False}))
    found = _list(known.order_by(F(key).desc() if is_descending else F(key).asc(), "pk"), n_most)
    if len(found) < n_most and not ASKING.get(label, set()) & selection.values.keys():
        unknown = units.filter(conditions & Q(**{f"{key}__isnull": True}))
        found += _list(unknown.order_by("pk"), n_most - len(found))
    return found


def _list(units: QuerySet[Unit], n_most: int) -> list[int]:
    # A unit with labels of two campaigns would appear twice.
    return list(dict.fromkeys(units.values_list("pk", flat=True)[:n_most]))


def _narrow(selection: Selection, scope: Scope, meaning: Meaning | None) -> QuerySet[Unit]:
    """All units with their labels. With a text, those with it or a word for it in one label, or with that number; each
    has its own query.
    """
    units, method = relate_labels(scope, mode=read_mode(selection)), _find_method(selection)
    if method is not None:
        described = FilteredRelation("descriptions", condition=Q(descriptions__method=method))
        units = units.annotate(described=described)
    if meaning is None:
        return units
    name = selection.get("campaign")
    whose = Q(campaign__name=name) if name else Q(is_of_record=True)
    people = UnitLabel.objects.filter(whose & _names("concept", meaning, Q(concept__contains=meaning.text)))
    broden = AutomaticLabel.objects.filter(_names("label", meaning, Q(label__icontains=meaning.text)), is_best=True)
    numbered = Unit.objects.filter(_numbered(meaning)).order_by().values("pk")
    said = Description.objects.filter(method=method or 0, text__icontains=meaning.text)
    found = (
        people.order_by()
        .values("unit")
        .union(broden.order_by().values("unit"), numbered, said.order_by().values("unit"))
    )
    return units.filter(pk__in=found)


def _find_method(selection: Selection) -> int | None:
    """The row of the method that is asked for; 0, which no row has, if there is none of that name."""
    name = selection.get("method")
    if not name:
        return None
    return Method.objects.filter(name=name).values_list("pk", flat=True).first() or 0


def _names(field: str, meaning: Meaning, contained: Q) -> Q:
    return contained | Q(**{f"{field}__in": meaning.meant}) if meaning.meant else contained


def _numbered(meaning: Meaning) -> Q:
    """Units with the number that was searched; none without a number."""
    if meaning.index is None:
        return Q(pk__in=[])
    of_layer = Q(layer__path__iexact=meaning.layer) if meaning.layer else Q()
    return of_layer & Q(index=meaning.index)


def relate_labels(scope: Scope, *, mode: str) -> QuerySet[Unit]:
    """Units with `people` (the label of record, or of the scope's campaign, about the crops of its layer's dissection)
    and `broden`, the best label of its layer's source.
    """
    best = is_best(mode=mode, prefix="automatic_labels__")
    return Unit.objects.annotate(
        people=FilteredRelation("unit_labels", condition=scope.people),
        broden=FilteredRelation(
            "automatic_labels", condition=best & Q(automatic_labels__source=choose_by_layer(scope.sources))
        ),
    )


def read_mode(selection: Selection) -> str:
    """The mode of IoU. Imported labels are shown in each mode."""
    return str(selection.get("mode") or AutomaticLabel.Mode.PAPER)


def _within(selection: Selection, scope: Scope) -> Q:
    """The layers that were asked for. No condition if these are all layers."""
    network, path = selection.get("network"), selection.get("layer")
    wanted = [
        layer.pk
        for layer in scope.layers
        if layer.pk in scope.sources
        and (not network or layer.network.name == network)
        and (not path or layer.path == path)
    ]
    return Q() if len(wanted) == len(scope.layers) else Q(layer__in=wanted)


def _conditions(selection: Selection, meaning: Meaning | None) -> Q:
    conditions = Q()
    for name, lookup in LOOKUPS.items():
        value = selection.get(name)
        if value is not None:
            conditions &= Q(**{lookup: value})
    if meaning is not None:
        # Concepts are stored in lower case.
        people = _names("people__concept", meaning, Q(people__concept__contains=meaning.text))
        broden = _names("broden__label", meaning, Q(broden__label__icontains=meaning.text))
        said = Q(described__text__icontains=meaning.text) if selection.get("method") else Q()
        conditions &= people | broden | _numbered(meaning) | said
    if selection.get("method"):
        conditions &= Q(described__isnull=False)
    if tag := selection.get("tag"):
        conditions &= Q(pk__in=UnitTag.objects.filter(name=str(tag).lower()).order_by().values("unit"))
    if share := selection.get("agreement_min"):
        conditions &= Q(people__n_same_concept__gte=F("people__n_answers") * share)
    if relation := selection.get("relation"):
        conditions &= Q(people__comparison__relation__in=SAME_THING if relation == "agree" else [relation])
    return conditions & (find_reasons(prefix="people__") if selection.get("review") else Q())
