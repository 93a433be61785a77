"""Sends a picture that is read from the artifact store, or a placeholder that says why it cannot be shown."""

from collections.abc import Callable

from django.http import HttpResponse

from annotator.units.strips import draw_placeholder
from workers.engine.format.artifact import ArtifactMalformed
from workers.store import StoreError

MISSING: tuple[type[Exception], ...] = (StoreError, ArtifactMalformed, OSError)


def send_picture(
    content_type: str,
    read: Callable[[], bytes | str],
    *,
    kept: str,
    missing: tuple[type[Exception], ...] = MISSING,
) -> HttpResponse:
    """`kept`: for how long a browser keeps the picture (Cache-Control); a placeholder is never kept."""
    try:
        content = read()
    except missing as error:
        picture, status = draw_placeholder(error)
        return HttpResponse(picture, status=status, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})
    return HttpResponse(content, content_type=content_type, headers={"Cache-Control": kept})
