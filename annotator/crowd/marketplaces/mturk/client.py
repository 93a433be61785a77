"""The client: boto3 aimed at one of the marketplaces that speak MTurk, its outcomes in three kinds.

An answer; a refusal (the marketplace decided, nothing was done); or an unknown outcome (no answer came: it may have
been done). Only the last needs care, and `outbox` gives it that.
"""

import functools
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, SSLError
from django.conf import settings

from annotator.crowd.marketplaces.mturk.facts import Place
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused, MarketplaceSilent, NoCredentials, OutcomeUnknown

MAX_ATTEMPTS = 5  # of one call, before its outcome counts as unknown
_CREATING = threading.Lock()  # a session makes one client at a time
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}


class MTurkClient:
    """Calls one marketplace's API; every method raises MarketplaceRefused or OutcomeUnknown."""

    def __init__(self, place: Place, *, max_attempts: int | None = None) -> None:
        key_id, secret = read_credentials(place)
        self.place = place
        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": max_attempts or MAX_ATTEMPTS},
            # A proxy of the environment must not stand between us and a marketplace on this machine.
            proxies={} if place.facts.name == "own" else None,
        )
        with _CREATING:
            self._client = _open_session().client(
                "mturk",
                endpoint_url=place.endpoint_url,
                region_name="us-east-1",
                aws_access_key_id=key_id,
                aws_secret_access_key=secret,
                config=config,
            )

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One operation by its API name, e.g. CreateHITWithHITType."""
        method = getattr(self._client, xform_name(operation))
        try:
            answer: dict[str, Any] = method(**request)
        except ClientError as error:
            raise self._explain(error) from error
        except SSLError as error:
            raise MarketplaceSilent(
                f"The certificate of the marketplace {self.place.facts.name} at {self.place.endpoint_url} cannot be "
                "checked. If it is your own, name its file in AWS_CA_BUNDLE."
            ) from error
        except BotoCoreError as error:
            raise MarketplaceSilent(
                f"The marketplace {self.place.facts.name} at {self.place.endpoint_url} does not answer."
            ) from error
        answer.pop("ResponseMetadata", None)
        return answer

    def find_or_create_qualification(self, fields: dict[str, Any]) -> str:
        """The id of the qualification of this name: twice is once."""
        try:
            created = self.call("CreateQualificationType", {"QualificationTypeStatus": "Active", **fields})
            return str(created["QualificationType"]["QualificationTypeId"])
        except MarketplaceRefused:  # made before, by another campaign or by a process that did not live to note it
            query = {"Query": fields["Name"], "MustBeRequestable": False, "MustBeOwnedByCaller": True}
            found = self.call("ListQualificationTypes", query)["QualificationTypes"]
            named = [row for row in found if row["Name"] == fields["Name"]]
            if not named:
                raise
            return str(named[0]["QualificationTypeId"])

    def list_all(self, operation: str, member: str, **request: Any) -> Iterator[dict[str, Any]]:
        """Every entry of a list operation, page after page."""
        token: dict[str, str] = {}
        while True:
            page = self.call(operation, {**request, **token, "MaxResults": 100})
            yield from page.get(member, [])
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _explain(self, error: ClientError) -> Exception:
        details = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        message = str(details.get("Message") or details.get("Code") or error)
        # MTurk's own code stands in a member that botocore keeps beside Error.
        code = str(error.response.get("TurkErrorCode") or details.get("Code", ""))
        if status >= 500 or details.get("Code") in _THROTTLED:
            return OutcomeUnknown(f"The marketplace {self.place.facts.name} is busy or failing: {message}")
        return MarketplaceRefused(message, code=code.removeprefix("AWS.MechanicalTurk."))


@functools.cache
def _open_session() -> boto3.Session:
    """One in a process: it reads the descriptions of APIs from the disk. Our own marketplace has an operation more than
    Amazon's.
    """
    core = botocore.session.Session()
    core.get_component("data_loader").search_paths.append(settings.MTURK_ADDITIONS)
    return boto3.Session(botocore_session=core)


def read_credentials(place: Place) -> tuple[str, str]:
    """Key id and secret, from the settings. Raises NoCredentials."""
    name = place.facts.name
    key_id, secret = settings.MARKETPLACE_CREDENTIALS[name]
    if not key_id or not secret:
        prefix = "OWN" if name == "own" else "MTURK"
        raise NoCredentials(
            f"No credentials for the marketplace {name}: set {prefix}_ACCESS_KEY_ID and {prefix}_SECRET_ACCESS_KEY."
        )
    return key_id, secret
