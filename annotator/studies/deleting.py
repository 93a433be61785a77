"""Deletes a study whose rounds were not published, with their campaigns. The audit log keeps that it was planned."""

from django.db import transaction

from annotator.crowd.campaigns.deleting import check_unpublished, delete_rows
from annotator.crowd.models import Campaign
from annotator.studies.models import Study


@transaction.atomic
def delete_study(study: Study) -> list[str]:
    """The names of the campaigns that went with it. Raises CannotDelete if a round was published."""
    campaigns = list(Campaign.objects.select_for_update().filter(study_round__study=study).order_by("pk"))
    for campaign in campaigns:
        check_unpublished(campaign)
    study.rounds.all().delete()
    for campaign in campaigns:
        delete_rows(campaign)
    study.delete()
    return [one.name for one in campaigns]
