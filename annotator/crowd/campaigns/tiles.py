"""Pictures of photographs in the store: kept while a HIT shows them, deleted with the last campaign that does.

One picture may be of many campaigns. Whoever composes holds a lock that others may share; whoever deletes waits for it.
"""

import contextlib
from collections.abc import Iterable

from django.db import connection, transaction

from annotator.crowd.models import Campaign, HITImage
from annotator.units.photographs import remove_tile
from workers.store import StoreError

# Any fixed number.
_LOCK = 7_312_041
BATCH = 2000


def hold_tiles() -> None:
    """Until the caller's transaction ends, no picture is deleted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


def list_tiles(campaign: Campaign) -> list[str]:
    """Digests of the pictures that its HITs show, in order."""
    shown = HITImage.objects.filter(hit_unit__hit__campaign=campaign).exclude(tile="")
    return sorted(set(shown.order_by().values_list("tile", flat=True)))


def delete_unshown(tiles: Iterable[str]) -> None:
    """Deletes those of the pictures that no HIT shows any more. If the store does not answer, the rest stay."""
    wanted = sorted(set(tiles))
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            shown = set(HITImage.objects.filter(tile__in=part).values_list("tile", flat=True))
            with contextlib.suppress(StoreError, OSError):
                for tile in part:
                    if tile not in shown:
                        remove_tile(tile)
