"""Durations in words."""

from django import template
from django.utils.translation import gettext, gettext_noop

register = template.Library()
_UNITS = (
    (gettext_noop("{n} day"), gettext_noop("{n} days"), 86_400),
    (gettext_noop("{n} hour"), gettext_noop("{n} hours"), 3_600),
    (gettext_noop("{n} minute"), gettext_noop("{n} minutes"), 60),
    (gettext_noop("{n} second"), gettext_noop("{n} seconds"), 1),
)


@register.filter
def duration(seconds: int) -> str:
    """In the two largest units: 5400 is `1 hour 30 minutes`."""
    parts = []
    for one, many, size in _UNITS:
        n, seconds = divmod(int(seconds), size)
        if n:
            parts.append(gettext(one if n == 1 else many).format(n=n))
    return " ".join(parts[:2]) or gettext("{n} seconds").format(n=0)
