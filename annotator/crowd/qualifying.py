"""Makes qualification types at a marketplace, each once: begun again, the one that stands is found by its name."""

from typing import Any

from annotator.crowd.models import Campaign
from annotator.crowd.mturk import MarketplaceRefused, Requester
from annotator.crowd.screening import load_screening


def find_or_create_qualification(*, name: str, fields: dict[str, Any], requester: Requester) -> str:
    """Its id at the marketplace."""
    try:
        created = requester.call(
            "CreateQualificationType", {"Name": name, "QualificationTypeStatus": "Active", **fields}
        )
        return str(created["QualificationType"]["QualificationTypeId"])
    except MarketplaceRefused:  # made before, by another campaign or by a process that did not live to note it
        query = {"Query": name, "MustBeRequestable": False, "MustBeOwnedByCaller": True}
        found = requester.call("ListQualificationTypes", query)["QualificationTypes"]
        named = [row for row in found if row["Name"] == name]
        if not named:
            raise
        return str(named[0]["QualificationTypeId"])


def offer_screening(*, campaign: Campaign, requester: Requester) -> None:
    """The test at the marketplace, if the campaign asks for one, and its id on the campaign."""
    asked = campaign.qualifications.get("screening")
    if not asked or asked.get("qualification_id"):
        return
    screening = load_screening(campaign.hit_types.get().template)
    fields = {
        "Description": f"{len(screening.questions)} short questions on how to describe and mark picture crops.",
        "Keywords": "screening, test, pictures",
        "Test": screening.form,
        "AnswerKey": screening.key,
        "TestDurationInSeconds": 60 * screening.minutes,
    }
    found = find_or_create_qualification(name=screening.name, fields=fields, requester=requester)
    campaign.qualifications = campaign.qualifications | {"screening": asked | {"qualification_id": found}}
    campaign.save(update_fields=["qualifications"])
