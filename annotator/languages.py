"""Languages of what people who work on HITs see: the HIT pages and the worker site. The dashboard speaks English.

A language is a folder with LC_MESSAGES/django.mo, here in locale/ or in LANGUAGES_FOLDER; nothing else names it.
"""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

# Paths that people who work on HITs come to.
PATHS = ("/hit/", "/worker/", "/mturk/")
PARAMETER = "lang"
COOKIE_SECONDS = 365 * 86_400


def find_languages(folders: list[Path]) -> list[tuple[str, str]]:
    """(code, name in the language itself) of English and of every catalog in these folders, by code."""
    found = {path.parents[1].name for folder in folders for path in folder.glob("*/LC_MESSAGES/django.mo")}
    codes = sorted(translation.to_language(name) for name in found)
    return [("en", "English"), *((code, LANG_INFO.get(code, {}).get("name_local", code)) for code in codes)]


def find_asked(request: HttpRequest) -> str:
    """The language that the address, the cookie or the browser asks for, if there is one; else English."""
    asked = request.GET.get(PARAMETER, "")
    known = dict(settings.LANGUAGES)
    return asked if asked in known else translation.get_language_from_request(request)


def find_chosen(request: HttpRequest) -> str:
    """The language that the person chose on the worker site; "" if none, and their browser says which one."""
    chosen = request.GET.get(PARAMETER) or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


class SpeakLanguage:
    """Middleware: pages for people who work on HITs come in the language that they or their browser asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PATHS):
            return self.get_response(request)
        language = find_asked(request)
        with translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        if request.GET.get(PARAMETER) == language and request.path.startswith("/worker/"):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, language, max_age=COOKIE_SECONDS, samesite="Lax",
                secure=request.is_secure(), httponly=True,
            )  # fmt: skip
        return response
