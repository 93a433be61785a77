"""Whether people would see the crops that they are asked about: checked before anybody is asked."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from annotator.crowd.models import HIT, Campaign, HITUnit
from annotator.refusals import Refusal
from annotator.units.cutting import CropsNotCut, demand_cut
from annotator.units.models import DissectedUnit
from annotator.units.strips import CropsDamaged, find_broken, find_gone
from workers.store import NotStored, StoreError


class CropsGone(Refusal):
    """Crops are missing, damaged or not cut yet, or their store does not answer; nothing was written or sent."""


def check_crops(units: Iterable[DissectedUnit]) -> None:
    """Crops that nobody has asked about before are cut first. Raises CropsGone."""
    units = list(units)
    try:
        demand_cut(units)
    except CropsNotCut as uncut:
        raise CropsGone(str(uncut)) from None
    if broken := find_broken(units):
        raise CropsGone(_describe(broken))


def describe_gone(campaign: Campaign) -> str:
    """What people who take a HIT now would not see, in words; empty if all is there."""
    gone = find_gone(_list_units(campaign.hits.filter(state=HIT.State.PUBLISHED)))
    return f"People who take these HITs see no crops. {_describe(gone)}" if gone else ""


def _describe(broken: Sequence[tuple[DissectedUnit, StoreError]]) -> str:
    unit, error = broken[0]
    others = f" So are those of {len(broken) - 1} more units." if len(broken) > 1 else ""
    artifact = unit.dissection.artifact_name
    if not isinstance(error, NotStored | CropsDamaged):
        return f"The store of {artifact} does not answer, so that nobody sees the crops. Try again later."
    how = "missing" if isinstance(error, NotStored) else "damaged"
    return f"The crops of {unit} are {how}.{others} Restore the artifact {artifact}, or dissect again."


def check_crops_of_hits(hits: Iterable[HIT]) -> None:
    """Raises CropsGone. Units without crops of their own, as imported ones, are passed over."""
    check_crops(_list_units(hits))


def _list_units(hits: Iterable[HIT]) -> QuerySet[DissectedUnit]:
    rows = HITUnit.objects.filter(hit__in=hits, dissected_unit__isnull=False)
    found = DissectedUnit.objects.filter(pk__in=rows.values("dissected_unit")).order_by("pk")
    return found.select_related("dissection__image_set", "unit__layer__network").defer("dissection__labels")
