"""Deletes campaigns that were never published. The audit log keeps what was decided about them."""

from functools import partial

from django.db import transaction
from django.db.models import ProtectedError

from annotator.crowd.campaigns.tiles import delete_unshown, list_tiles
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.models import HIT, Answer, Assignment, Campaign, Compensation, OutwardAct, Rejection
from annotator.crowd.outbox.session import hold_campaign
from annotator.refusals import Refusal


class CannotDelete(Refusal):
    """The campaign is or was at a marketplace, or people answered it."""


def check_unpublished(campaign: Campaign) -> None:
    """Raises CannotDelete if HITs of it are, were or may be at a marketplace, or if its answers were imported."""
    if campaign.is_imported:
        raise CannotDelete(f"The answers of {campaign} were imported; nothing was ever published.")
    may_be_there = campaign.outward_acts.filter(verb=Verb.PUBLISH).exclude(state=OutwardAct.State.FAILED)
    is_draft = campaign.state in (Campaign.State.DRAFT, Campaign.State.QUOTED)
    if not is_draft or may_be_there.exists() or campaign.hits.exclude(external_id="").exists():
        raise CannotDelete(f"HITs of {campaign} were sent to the marketplace {campaign.marketplace}: withdraw them.")


def delete_unpublished(campaign: Campaign) -> None:
    """Raises CannotDelete, CampaignBusy."""
    with hold_campaign(campaign), transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        check_unpublished(locked)
        delete_rows(locked)


def delete_rows(campaign: Campaign) -> None:
    """In the caller's transaction. Pictures that nothing else shows go after it. Acts, judgements and answers protect
    what they are about, so that they go first.

    Raises CannotDelete if something else needs the campaign, such as a study.
    """
    transaction.on_commit(partial(delete_unshown, list_tiles(campaign)))
    of_campaign = {"assignment__hit__campaign": campaign}
    OutwardAct.objects.filter(campaign=campaign).delete()
    Rejection.objects.filter(**of_campaign).delete()
    Compensation.objects.filter(**of_campaign).delete()
    Answer.objects.filter(**of_campaign).delete()
    Assignment.objects.filter(hit__campaign=campaign).delete()
    HIT.objects.filter(campaign=campaign).delete()
    try:
        Campaign.objects.filter(pk=campaign.pk).delete()
    except ProtectedError as error:
        users = ", ".join(sorted({f"{one._meta.verbose_name} {one}" for one in error.protected_objects}))
        raise CannotDelete(f"{campaign} belongs to the {users}: it is not deleted.") from None
