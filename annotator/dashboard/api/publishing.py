"""Dissections that come from notebooks, in pieces: a token that may act, of a person who may import, is the key."""

from pathlib import PurePosixPath
from typing import Annotated, Any

from django.http import HttpRequest
from django.urls import reverse
from ninja import Path, Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from annotator.accounts.models import Role
from annotator.accounts.roles import may, role_of
from annotator.dashboard.api import records
from annotator.published.staging import add_piece, check_whole, count_received
from annotator.published.uploads import Upload, UploadBusy, UploadRefused, take_in_apart
from workers.contract import MAX_UPLOAD_BYTES

router = Router()
Digest = Annotated[str, Path(..., pattern="^[0-9a-f]{64}$", description="SHA-256 of the whole file")]
PROBLEMS = dict.fromkeys((401, 403, 422, 503), records.Problem)


class Received(Schema):
    received: int = Field(description="Bytes that have come so far: the next piece begins there")


class Published(Schema):
    address: str = Field(description="Where the dissection's page is")
    dissection: str
    sentence: str


class Place(Schema):
    offset: int = Field(ge=0, le=MAX_UPLOAD_BYTES, description="Where the piece begins in the file")


class About(Schema):
    images_name: str = Field("images", max_length=80, description="What the image set is called if it is not here")


@router.get("/{sha256}", response={200: Received, **PROBLEMS})
def get_upload(request: HttpRequest, sha256: Digest) -> Any:
    """How much of the file has come."""
    return {"received": count_received(owner=_find_researcher(request), sha256=sha256)}


@router.post("/{sha256}/pieces", response={200: Received, **PROBLEMS})
def add_next_piece(request: HttpRequest, sha256: Digest, place: Query[Place]) -> Any:
    """The next piece of what `Dissection.save` wrote, as the body: at most 1 MB. A piece may come twice."""
    owner = _find_researcher(request)
    return {"received": add_piece(owner=owner, sha256=sha256, offset=place.offset, piece=request.body)}


@router.post("/{sha256}/publish", response={200: Published, **PROBLEMS})
def publish_dissection(request: HttpRequest, sha256: Digest, about: Query[About]) -> Any:
    """Takes in the file when all of it has come. A dissection that is here already is found."""
    owner = _find_researcher(request)
    path = check_whole(owner=owner, sha256=sha256)
    try:
        taken = take_in_apart(Upload("dissection", str(path), {"images_name": about.images_name}, owner))
    except UploadBusy as busy:
        raise HttpError(503, str(busy)) from None
    except UploadRefused:
        path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)
    address = reverse("dissection", args=[taken.dissection])
    return {"address": str(PurePosixPath(address)) + "/", "dissection": taken.dissection, "sentence": taken.sentence}


def _find_researcher(request: HttpRequest) -> int:
    """The id of whoever holds the token. Raises HttpError."""
    person: Any = request.auth  # type: ignore[attr-defined]
    if not may(role_of(person), Role.RESEARCHER):
        raise HttpError(403, "Only a researcher may publish dissections.")
    return int(person.pk)
