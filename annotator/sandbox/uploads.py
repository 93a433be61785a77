"""Addresses of uploaded files that are valid for one minute."""

import datetime as dt

from django.conf import settings
from django.core import signing
from django.urls import reverse

from annotator.sandbox.models import UploadedFile

LIFE = dt.timedelta(seconds=60)
_SIGNER = signing.Signer(salt="annotator.sandbox.uploads")


def make_url(file: UploadedFile, *, now: dt.datetime) -> str:
    token = _SIGNER.sign_object([file.pk, now.timestamp()])
    return f"{settings.SANDBOX_URL}{reverse('sandbox-file', args=[token])}"


def open_url(token: str, *, now: dt.datetime) -> UploadedFile | None:
    """The file, if the address is still valid."""
    try:
        file_id, made_at = _SIGNER.unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    if now.timestamp() - made_at > LIFE.total_seconds():
        return None
    return UploadedFile.objects.filter(id=file_id).first()
