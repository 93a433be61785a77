"""The pictures that a bundle carries: crops and receptive fields of its units. Whole photographs stay here."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from annotator.crowd.models import Campaign
from annotator.published.bundle.archive import Bundle, PackedFiles
from annotator.published.bundle.tables import find_asked
from annotator.units.models import DissectedUnit
from workers.engine.format.artifact import checksum_name, field_name, is_late, tile_name
from workers.store import StoreError, open_store


def list_pictures(unit: DissectedUnit) -> list[str]:
    """Where a dissected unit's strip and the picture of its receptive field lie, below the dissection's artifact."""
    names = [checksum_name(unit.strip)] if is_late(unit.strip) else []
    names += [field_name(unit.empirical_picture)] if unit.empirical_picture else []
    return [tile_name(unit.strip), *names]


def name_picture(unit: DissectedUnit, name: str) -> str:
    return f"artifacts/{unit.dissection_id}/{name}"


def pack_pictures(packed: PackedFiles, campaign: Campaign) -> None:
    """Pictures that cannot be read here are left out: the report leaves them out too."""
    for unit in find_asked(campaign).select_related("dissection").order_by("dissection", "unit"):
        store = open_store(unit.dissection.artifact)
        for name in list_pictures(unit):
            if name_picture(unit, name) in packed.files:
                continue
            with contextlib.suppress(StoreError, OSError):
                packed.add(name_picture(unit, name), [store.read(name)])


@dataclass
class TakenPictures:
    """Pictures of a bundle on their way into the store. `written`: store and name of each new file."""

    bundle: Bundle
    written: list[tuple[str, str]] = field(default_factory=list)

    def take_of_units(self, campaign: Campaign, tell: Callable[[str], None]) -> None:
        units = list(find_asked(campaign).select_related("dissection").order_by("dissection", "unit"))
        for done, unit in enumerate(units, start=1):
            store = open_store(unit.dissection.artifact)
            for name in list_pictures(unit):
                packed = name_picture(unit, name)
                if packed in self.bundle.files and not store.exists(name):
                    self.written.append((unit.dissection.artifact, name))
                    store.write(name, self.bundle.read(packed))
            tell(f"pictures of units: {done} of {len(units)}")

    def remove(self) -> None:
        """Of an import that ends without its rows. What a killed process leaves is taken up by the next import."""
        for root, name in self.written:
            with contextlib.suppress(StoreError, OSError):
                open_store(root).remove(name)
