"""Template tags for the parts of a QuestionForm."""

import json

from django import template
from django.http import HttpRequest

from annotator.sandbox.questions.answer_specs import AnswerSpec, FreeText

register = template.Library()


@register.filter
def kind(spec: AnswerSpec) -> str:
    return type(spec).__name__


@register.filter
def formats(spec: FreeText) -> str:
    """The regular expressions as JSON, for the page's script."""
    return json.dumps([[one.regex, one.flags, one.error_text] for one in spec.formats])


@register.filter
def posted(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "")


@register.filter
def posted_list(request: HttpRequest, name: str) -> list[str]:
    return request.POST.getlist(name)
