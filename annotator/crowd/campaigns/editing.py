"""Changes the terms of a campaign that is not published yet; its units and HIT type stay."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.crowd.campaigns.composing import check_terms
from annotator.crowd.campaigns.deleting import check_unpublished
from annotator.crowd.campaigns.quoting import quote_campaign
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.session import hold_campaign
from annotator.refusals import Refusal


class CannotEdit(Refusal):
    """The campaign's terms are known to a marketplace."""


def edit_terms(campaign: Campaign, *, changes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Sets these columns of the campaign, and quotes it again if it was quoted. Returns what they were.

    Raises CannotDelete, CannotEdit, CampaignBusy, and what `check_terms` raises.
    """
    with hold_campaign(campaign), transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        check_unpublished(locked)
        _check_unregistered(locked)
        before = {name: getattr(locked, name) for name in changes}
        for name, value in changes.items():
            setattr(locked, name, value)
        check_terms(locked, n_hits=locked.hits.count())
        # Real money was confirmed for the terms of before.
        locked.real_money_confirmed_at, locked.real_money_confirmed_by = None, ""
        locked.save(update_fields=[*changes, "real_money_confirmed_at", "real_money_confirmed_by"])
        locked.hits.update(n_assignments=locked.n_assignments)
        locked.outward_acts.all().delete()  # refused; they hold the terms of before
        if locked.state == Campaign.State.QUOTED:
            quote_campaign(campaign=locked, now=now)
    return before


def _check_unregistered(campaign: Campaign) -> None:
    """A marketplace that knows the title and the reward would publish under these."""
    if campaign.hit_types.exclude(external_id="").exists() or campaign.outward_acts.exclude(state="failed").exists():
        raise CannotEdit(
            f"The marketplace {campaign.marketplace} knows the terms of {campaign} already. Delete it and compose it "
            "again."
        )
