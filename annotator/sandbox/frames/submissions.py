"""What a HIT's page submits: a form that is sent to Amazon's path, from the frame or from a tab that it opened."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from annotator.sandbox import switchboard
from annotator.sandbox.acts import working
from annotator.sandbox.frames import hosts
from annotator.sandbox.questions import answers
from annotator.sandbox.rules.refusals import Code, Refused

NO_ASSIGNMENT = "ASSIGNMENT_ID_NOT_AVAILABLE"


@csrf_exempt
@require_http_methods(["GET", "POST"])
def take_external_submission(request: HttpRequest) -> HttpResponse:
    """Takes fields from query and body alike. The assignmentId, which cannot be guessed, says whose work it is."""
    now = switchboard.read().now()
    fields = read_fields(request)
    try:
        answer = answers.write(answers.from_form(fields))
        assignment = working.submit_from_frame(_read_id(fields), answer=answer, now=now)
    except Refused as refused:
        return _in_frame(status=409, problem=refused.message)
    return _in_frame(status=200, assignment=assignment)


def read_fields(request: HttpRequest) -> dict[str, list[str]]:
    """Those of the query, then those of the body; a value that both have counts once."""
    fields = {name: request.GET.getlist(name) for name in request.GET}
    for name in request.POST:
        sent = request.POST.getlist(name)
        fields[name] = [*(value for value in fields.get(name, ()) if value not in sent), *sent]
    return fields


def _read_id(fields: dict[str, list[str]]) -> str:
    """The last one that is filled in: a page may send an empty field beside the id in the address."""
    given = [value for value in fields.get("assignmentId", ()) if value and value != NO_ASSIGNMENT]
    if not given and NO_ASSIGNMENT in fields.get("assignmentId", ()):
        raise Refused(
            Code.ASSIGNMENT_DOES_NOT_EXIST, gettext_noop("This is a preview. Accept the HIT before you submit.")
        )
    return given[-1][:64].replace("\x00", "") if given else ""


def _in_frame(*, status: int, **context: object) -> HttpResponse:
    response = HttpResponse(render_to_string("sandbox/submitted.html", context), status=status)
    return hosts.allow_framing(response)
