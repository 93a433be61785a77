"""Makes qualification types at a marketplace, each once: begun again, the one that stands is found by its name."""

from typing import Any

from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused


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
