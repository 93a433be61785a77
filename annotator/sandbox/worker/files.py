"""A file that came with an answer, for the requester who was given its address."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotator.sandbox import switchboard, uploads


@require_GET
def show_file(request: HttpRequest, token: str) -> HttpResponse:
    """A file that a person uploaded with an answer."""
    file = uploads.open_url(token, now=switchboard.read().now())
    if file is None:
        return HttpResponse("This address has expired.", status=403, content_type="text/plain")
    # Never shown as a page: the content is untrusted.
    response = HttpResponse(bytes(file.content), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = "attachment"
    return response
