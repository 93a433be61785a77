"""Gunicorn's settings in the kill drill: every view is loaded before the serving process is forked."""

from typing import Any


def when_ready(server: Any) -> None:
    from django.urls import get_resolver

    assert get_resolver().url_patterns
