"""The lock of a campaign: one process at a time acts for it."""

import contextlib
from collections.abc import Iterator

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper

from annotator.crowd.models import Campaign
from annotator.refusals import Refusal

# How long one process waits for another that acts for the same campaign.
WAIT_SECONDS = 15


class CampaignBusy(Refusal):
    """Another process acts for this campaign now."""


@contextlib.contextmanager
def hold_campaign(campaign: Campaign) -> Iterator[None]:
    """One process at a time acts for a campaign; the lock dies with its holder's connection."""
    with connection.cursor() as cursor:
        _lock(campaign, cursor)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, campaign.pk])


def _lock(campaign: Campaign, cursor: CursorWrapper) -> None:
    cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{WAIT_SECONDS}s" if WAIT_SECONDS else "1ms"])
    try:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_SPACE, campaign.pk])
    except OperationalError:
        raise CampaignBusy(
            f"Another process is acting for the campaign {campaign} now; try again in a moment."
        ) from None
    finally:
        cursor.execute("SELECT set_config('lock_timeout', '0', false)")


_LOCK_SPACE = 0x0C0D
