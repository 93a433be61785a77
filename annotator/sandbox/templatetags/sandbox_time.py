"""Durations in words."""

from django import template

register = template.Library()
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@register.filter
def duration(seconds: int) -> str:
    """In the two largest units: 5400 is `1 hour 30 minutes`."""
    parts = []
    for word, size in _UNITS:
        n, seconds = divmod(int(seconds), size)
        if n:
            parts.append(f"{n} {word}{'s' if n > 1 else ''}")
    return " ".join(parts[:2]) or "0 seconds"
