"""Pages without cookies: the content of a HIT's frame, and files that came with an answer."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_GET

from annotator.sandbox import switchboard, uploads
from annotator.sandbox.frames import hosts
from annotator.sandbox.models import HIT
from annotator.sandbox.questions import amazon_addresses, documents
from annotator.sandbox.rules.states import HITStatus

SUBMIT_PATH = "/mturk/externalSubmit"
# A tab that the page opens is an ordinary tab, with storage, cookies and an origin.
RIGHTS = (
    "allow-scripts allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads "
    "allow-pointer-lock"
)
SAME_ORIGIN = "allow-same-origin"
# Also if the page leads to another origin than that of its address.
FEATURES = "camera *; microphone *; fullscreen *; clipboard-write *; autoplay *"


def content_site() -> str:
    """The origin of requesters' HTML. Without a host name of its own it is this site's, and the page gets no origin."""
    return str(settings.SANDBOX_CONTENT_URL or settings.SANDBOX_URL)


def content_url(hit: HIT) -> str:
    return f"{content_site()}{reverse('sandbox-content', args=[hit.mturk_id])}"


@require_GET
def show_content(request: HttpRequest, hit_id: str) -> HttpResponse:
    """A HIT's HTML question, in a frame of its own; it is gone when the HIT is deleted."""
    hit = HIT.objects.filter(mturk_id=hit_id).exclude(status=HITStatus.DISPOSED).first()
    question = documents.read_question(hit.question) if hit else None
    if not isinstance(question, documents.HTMLQuestion):
        gone = HttpResponse("There is no such page.", status=404, content_type="text/plain")
        return hosts.allow_framing(gone)
    script, elements = (f"{content_site()}{static(f'sandbox/{name}.js')}" for name in ("external_hit", "crowd_form"))
    page = amazon_addresses.replace(question.content, site=settings.SANDBOX_URL, script=script, elements=elements)
    return hosts.allow_framing(HttpResponse(page), policy=_content_policy(is_apart=hosts.is_content_host(request)))


def _content_policy(*, is_apart: bool) -> str:
    """Forms lead to this marketplace only. At this site's own host name the page has no origin."""
    sites = dict.fromkeys([settings.SANDBOX_URL, content_site()])
    forms = "form-action " + " ".join(f"{site}{SUBMIT_PATH}" for site in sites)
    return forms if is_apart else f"{forms}; sandbox {RIGHTS}"


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
