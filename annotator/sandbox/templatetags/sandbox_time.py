"""Durations in words."""

from collections.abc import Callable

from django import template
from django.utils.translation import ngettext

register = template.Library()
_UNITS: tuple[tuple[int, Callable[[int], str]], ...] = (
    (86_400, lambda n: ngettext("{n} day", "{n} days", n)),
    (3_600, lambda n: ngettext("{n} hour", "{n} hours", n)),
    (60, lambda n: ngettext("{n} minute", "{n} minutes", n)),
    (1, lambda n: ngettext("{n} second", "{n} seconds", n)),
)


@register.filter
def duration(seconds: int) -> str:
    """In the two largest units: 5400 is `1 hour 30 minutes`."""
    parts: list[str] = []
    for size, say in _UNITS:
        n, seconds = divmod(int(seconds), size)
        if n or (size == 1 and not parts):
            parts.append(say(n).format(n=n))
    return " ".join(parts[:2])
