"""The answers to a QuestionForm that this site shows itself: read from the request, checked, written as XML."""

from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from annotator.sandbox.questions.answer_specs import MAX_FILE_BYTES, Choice, FileUpload, FreeText, find_text_problem
from annotator.sandbox.questions.answers import Answer
from annotator.sandbox.questions.question_form import Question, QuestionForm
from workers.engine.plurals import say_count

# Prefixes separate a requester's identifiers from this site's own fields.
ANSWER, OTHER = "answer:", "other:"
OTHER_SELECTED = "\u0001other"


@dataclass(frozen=True)
class Filled:
    """What a person filled in, and what is still wrong with it."""

    answers: list[Answer]
    files: dict[str, tuple[str, bytes]]
    problems: list[str]


def read_filled(form: QuestionForm, request: HttpRequest) -> Filled:
    filled = Filled([], {}, [])
    for number, question in enumerate(form.questions, start=1):
        spec = question.answer
        if isinstance(spec, FreeText):
            problem = _read_text(question, spec, request, filled)
        elif isinstance(spec, Choice):
            problem = _read_choice(question, spec, request, filled)
        else:
            problem = _read_file(question, spec, request, filled)
        if problem:
            filled.problems.append(f"Question {number} ({question.display_name or question.identifier}): {problem}.")
    return filled


def _clean(text: str) -> str:
    return text.replace("\x00", "").replace("\r\n", "\n")


def _read_text(question: Question, spec: FreeText, request: HttpRequest, filled: Filled) -> str:
    text = _clean(request.POST.get(ANSWER + question.identifier, ""))
    filled.answers.append(Answer(question.identifier, free_text=text))
    if not text.strip():
        return "an answer is needed" if question.is_required else ""
    return find_text_problem(spec, text)


def _read_choice(question: Question, spec: Choice, request: HttpRequest, filled: Filled) -> str:
    known = {selection.identifier for selection in spec.selections}
    chosen = request.POST.getlist(ANSWER + question.identifier)
    picked = tuple(one for one in chosen if one in known)
    other = _clean(request.POST.get(OTHER + question.identifier, "")).strip() if spec.other else ""
    is_other = bool(other) or OTHER_SELECTED in chosen
    filled.answers.append(Answer(question.identifier, selections=picked, other=other if is_other else None))
    n_chosen = len(picked) + is_other
    if n_chosen == 0:
        return "choose an answer" if question.is_required else ""
    if not spec.min_count <= n_chosen <= spec.max_count:
        return f"choose {spec.min_count}" + (f" to {spec.max_count}" if spec.max_count > spec.min_count else "")
    return find_text_problem(spec.other, other) if is_other and spec.other else ""


def _read_file(question: Question, spec: FileUpload, request: HttpRequest, filled: Filled) -> str:
    sent = request.FILES.get(ANSWER + question.identifier)
    if not isinstance(sent, UploadedFile) or not sent.size:
        return "choose a file" if question.is_required else ""
    most = min(spec.max_bytes, MAX_FILE_BYTES)
    if not spec.min_bytes <= sent.size <= most:
        return f"the file must have {spec.min_bytes} to {say_count(most, 'byte')}"
    name = _clean(sent.name or "file")[:255]
    filled.files[question.identifier] = (name, sent.read())
    filled.answers.append(Answer(question.identifier, file_name=name, file_bytes=sent.size))
    return ""
