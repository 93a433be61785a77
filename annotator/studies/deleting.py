"""Deletes a study whose rounds were not published, with their campaigns. The audit log keeps that it was planned."""

from datetime import datetime

from django.db import transaction

from annotator.accounts.auditing import write_audit_entry
from annotator.crowd.campaigns.deleting import check_unpublished, delete_rows
from annotator.crowd.models import Campaign
from annotator.studies.models import Study


@transaction.atomic
def delete_study(study: Study, *, now: datetime) -> list[str]:
    """The names of the campaigns that went with it. Raises CannotDelete if a round was published."""
    campaigns = list(Campaign.objects.select_for_update().filter(study_round__study=study).order_by("pk"))
    for campaign in campaigns:
        check_unpublished(campaign)
    study.rounds.all().delete()
    for campaign in campaigns:
        delete_rows(campaign)
    name, names = study.name, [one.name for one in campaigns]
    details = {"sha256": study.sha256, "campaigns": names}
    study.delete()
    write_audit_entry(actor=None, action="delete study", subject=f"study {name}", details=details, now=now)
    return names
