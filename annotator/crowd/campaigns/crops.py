"""Whether people would see the crops that they are asked about: checked before anybody is asked."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from annotator.crowd.models import HIT, Campaign, HITUnit
from annotator.refusals import Refusal
from annotator.units.cutting import CropsNotCut, ask_to_cut, demand_cut, find_uncut
from annotator.units.models import DissectedUnit
from annotator.units.strips import CropsDamaged, find_broken, find_gone
from workers.engine.plurals import say_count
from workers.store import NotStored, StoreError


class CropsGone(Refusal):
    """Crops are missing, damaged or not cut yet, or their store does not answer; nothing was written or sent."""


class CropsUncut(CropsGone):
    """A GPU process was asked to cut the crops of these units; whoever may wait does so (`await_crops`)."""

    def __init__(self, units: Sequence[DissectedUnit]) -> None:
        self.units = units
        super().__init__(f"The crops of {say_count(len(units), 'unit')} are being cut. Try again in a moment.")


def await_crops(units: Iterable[DissectedUnit]) -> None:
    """Crops that nobody has asked about before are cut; outside a transaction. Raises CropsGone."""
    try:
        demand_cut(units)
    except CropsNotCut as uncut:
        raise CropsGone(str(uncut)) from None


def check_crops(units: Iterable[DissectedUnit]) -> None:
    """Waits for nothing. Raises CropsUncut, CropsGone."""
    units = list(units)
    if uncut := find_uncut(units):
        reasons = ask_to_cut(uncut)
        for unit in uncut:
            if unit.pk in reasons:
                raise CropsGone(f"The crops of {unit} cannot be cut. {reasons[unit.pk]}")
        raise CropsUncut(uncut)
    if broken := find_broken(units):
        raise CropsGone(_describe(broken))


def describe_gone(campaign: Campaign) -> str:
    """What people who take a HIT now would not see, in words; empty if all is there."""
    gone = find_gone(_list_units(campaign.hits.filter(state=HIT.State.PUBLISHED)))
    return f"People who take these HITs see no crops. {_describe(gone)}" if gone else ""


def _describe(broken: Sequence[tuple[DissectedUnit, StoreError]]) -> str:
    unit, error = broken[0]
    others = f" So are those of {say_count(len(broken) - 1, 'more unit')}." if len(broken) > 1 else ""
    artifact = unit.dissection.artifact_name
    if not isinstance(error, NotStored | CropsDamaged):
        return f"The store of {artifact} does not answer, so that nobody sees the crops. Try again later."
    how = "missing" if isinstance(error, NotStored) else "damaged"
    return f"The crops of {unit} are {how}.{others} Restore the artifact {artifact}, or dissect again."


def check_crops_of_hits(hits: Iterable[HIT]) -> None:
    """Waits until the crops are cut, so not within a transaction. Raises CropsGone.

    Units without crops of their own, as imported ones, are passed over.
    """
    units = list(_list_units(hits))
    await_crops(units)
    check_crops(units)


def _list_units(hits: Iterable[HIT]) -> QuerySet[DissectedUnit]:
    rows = HITUnit.objects.filter(hit__in=hits, dissected_unit__isnull=False)
    found = DissectedUnit.objects.filter(pk__in=rows.values("dissected_unit")).order_by("pk")
    return found.select_related("dissection__image_set", "unit__layer__network").defer("dissection__labels")
