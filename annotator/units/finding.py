"""Dissections by their ids."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.management import CommandError

from annotator.units.models import Dissection


def find_dissections(ids: Iterable[object]) -> list[Dissection]:
    return [_find_dissection(str(text)) for text in ids]


def _find_dissection(text: str) -> Dissection:
    try:
        dissection = Dissection.objects.filter(pk=text).first()
    except ValidationError:
        dissection = None
    if dissection is None:
        raise CommandError(f"There is no dissection {text!r}.", returncode=2)
    if dissection.state != Dissection.State.DONE:
        raise CommandError(f"The dissection {text} is {dissection.state}; a campaign needs a done one.", returncode=2)
    return dissection
