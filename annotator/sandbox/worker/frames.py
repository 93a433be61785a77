"""Pages without cookies: a HIT's frame, the page after a submission in it, and files that came with an answer."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from annotator.sandbox import switchboard, uploads
from annotator.sandbox.acts import working
from annotator.sandbox.models import HIT
from annotator.sandbox.questions import answers, documents
from annotator.sandbox.rules.refusals import Refused
from annotator.sandbox.worker import session

# The content is untrusted: without allow-same-origin it has its own origin and none of this site's rights.
CONTENT_POLICY = "sandbox allow-scripts allow-forms allow-popups allow-modals"


@csrf_exempt
@require_POST
def take_external_submission(request: HttpRequest) -> HttpResponse:
    """A form posted from inside the frame; its assignmentId, which cannot be guessed, says whose work it is."""
    now = switchboard.read().now()
    fields = {name: request.POST.getlist(name) for name in request.POST}
    try:
        assignment = working.submit(
            session.clean(request.POST.get("assignmentId", "")[:64]),
            answer=answers.write(answers.from_form(fields)), now=now,
        )  # fmt: skip
    except Refused as refused:
        return _in_frame(status=409, problem=refused.message)
    return _in_frame(status=200, assignment=assignment)


def _in_frame(*, status: int, **context: object) -> HttpResponse:
    response = HttpResponse(render_to_string("sandbox/submitted.html", context), status=status)
    return _framed_by_this_site(response, policy="")


def _framed_by_this_site(response: HttpResponse, *, policy: str) -> HttpResponse:
    """frame-ancestors replaces X-Frame-Options, since it also works for a frame with its own origin."""
    response["Content-Security-Policy"] = f"frame-ancestors 'self'; {policy}"
    response.xframe_options_exempt = True
    return response


@require_GET
def show_content(request: HttpRequest, hit_id: str) -> HttpResponse:
    """A HIT's HTML question, in a frame of its own."""
    hit = HIT.objects.filter(mturk_id=hit_id).first()
    question = documents.read_question(hit.question) if hit else None
    if not isinstance(question, documents.HTMLQuestion):
        return HttpResponse("There is no such page.", status=404, content_type="text/plain")
    return _framed_by_this_site(HttpResponse(question.content), policy=CONTENT_POLICY)


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
