"""GetFileUploadURL: an address at which the file of an answer can be read for a minute."""

from typing import Any

from annotator.sandbox import uploads
from annotator.sandbox.api import find
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import UploadedFile
from annotator.sandbox.rules.refusals import Code, Refused


def get_file_upload_url(call: Call) -> dict[str, Any]:
    assignment = find.assignment(call)
    sought = call.values["QuestionIdentifier"]
    file = UploadedFile.objects.filter(assignment=assignment, question_identifier=sought).first()
    if file is None:
        raise Refused(
            Code.PARAMETER_VALIDATION_ERROR, f"Assignment {assignment} has no file for the question {sought[:80]!r}."
        )
    return {"FileUploadURL": uploads.make_url(file, now=call.now)}
