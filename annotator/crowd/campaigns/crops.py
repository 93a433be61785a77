"""Whether people would see the crops that they are asked about: checked before anybody is asked."""

from collections.abc import Iterable

from annotator.crowd.models import HIT, HITUnit
from annotator.refusals import Refusal
from annotator.units.models import DissectedUnit
from annotator.units.strips import CropsDamaged, find_broken
from workers.store import NotStored


class CropsGone(Refusal):
    """Crops are missing or damaged, or their store does not answer; nothing was written or sent."""


def check_crops(units: Iterable[DissectedUnit]) -> None:
    """Raises CropsGone."""
    broken = find_broken(units)
    if not broken:
        return
    unit, error = broken[0]
    others = f" So are those of {len(broken) - 1} more units." if len(broken) > 1 else ""
    artifact = unit.dissection.artifact_name
    if not isinstance(error, NotStored | CropsDamaged):
        raise CropsGone(f"The store of {artifact} does not answer, so that nobody sees the crops. Try again later.")
    how = "missing" if isinstance(error, NotStored) else "damaged"
    raise CropsGone(f"The crops of {unit} are {how}.{others} Restore the artifact {artifact}, or dissect again.")


def check_crops_of_hits(hits: Iterable[HIT]) -> None:
    """Raises CropsGone. Units without crops of their own, as imported ones, are passed over."""
    rows = HITUnit.objects.filter(hit__in=hits, dissected_unit__isnull=False)
    found = DissectedUnit.objects.filter(pk__in=rows.values("dissected_unit")).order_by("pk")
    check_crops(found.select_related("dissection", "unit__layer__network").defer("dissection__labels"))
