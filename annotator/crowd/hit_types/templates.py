"""The package of a HIT type -> its texts and numbers, its code, and its pages."""

import functools
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest
from django.template import engines
from django.utils.html import format_html
from django.utils.translation import gettext

from annotator.crowd.hit_types.hit_type import AddsTo, Finding, HITType
from annotator.crowd.hit_types.table import TABLE
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

TEMPLATES = Path(settings.BASE_DIR) / "hit_templates"
PARTS = ("hit_type.toml", "page.html", "style.css", "script.js", "summary.html")
# Beside the folders: what every page has around its work.
FRAME = ("frame.html", "frame.css", "frame.js", "view.js")
_SENTENCE = re.compile(r'gettext\(("(?:[^"\\]|\\.)*")')
# A campaign's own mark is added to the title in brackets, and the requester's name to the description.
MARK_LENGTH = 6
_MAX_LENGTHS = {"title": 128 - len(" []") - MARK_LENGTH, "description": 1_850, "keywords": 1_000}


class BadTemplate(Refusal):
    """A folder of hit_templates/ lacks a part or says something the marketplace would refuse."""


@dataclass(frozen=True)
class Photographs:
    """Whole photographs that a HIT shows as one section: `n` of the unit's top or low images, or of any of the set.

    `gold`: the right answer about them; None: not known.
    """

    n: int
    of: Literal["top", "low", "any"]
    section: int = 0
    gold: bool | None = None


@dataclass(frozen=True)
class HITTemplate:
    """Either `n_top` and `n_planted` say which crops it shows, or `photographs` which whole images."""

    name: str
    heading: str
    title: str
    description: str
    keywords: str
    assignment_seconds: int
    lifetime_seconds: int
    auto_approval_seconds: int
    expected_seconds: int
    frame_height_px: int
    consent: tuple[tuple[str, str], ...]
    style: str
    script: str
    sha256: str
    n_top: int = 0
    n_planted: int = 0
    photographs: tuple[Photographs, ...] = ()
    # How many descriptions a question about photographs has.
    min_texts: int = 0
    max_texts: int = 1
    # One catch trial, whose answer is in view, for so many questions; 0: none.
    catch_every: int = 0


@functools.lru_cache(maxsize=16)
def load_template(name: str) -> HITTemplate:
    folder = find_folder(name)
    if missing := [part for part in PARTS if not (folder / part).is_file()]:
        raise BadTemplate(f"hit_templates/{name} is not a HIT type: it lacks {', '.join(missing)}.")
    contents = {part: (folder / part).read_bytes() for part in PARTS}
    frame = {part: (TEMPLATES / part).read_bytes() for part in FRAME}
    try:
        fields = tomllib.loads(contents["hit_type.toml"].decode())
        template = HITTemplate(
            name=name,
            style=(frame["frame.css"] + contents["style.css"]).decode(),
            script=(frame["view.js"] + frame["frame.js"] + contents["script.js"]).decode(),
            sha256=hashlib.sha256(b"\0".join([*contents.values(), *frame.values()])).hexdigest(),
            consent=tuple((str(heading), str(text)) for heading, text in fields.pop("consent")),
            photographs=tuple(Photographs(**row) for row in fields.pop("photographs", [])),
            **fields,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadTemplate(f"hit_templates/{name}/hit_type.toml: {error}.") from None
    for field, longest in _MAX_LENGTHS.items():
        if len(getattr(template, field)) > longest:
            raise BadTemplate(
                f"hit_templates/{name}/hit_type.toml: {field} is longer than {say_count(longest, 'character')}."
            )
    return template


def translate_sentences(template: HITTemplate) -> dict[str, str]:
    """English -> the active language, for what the page's script says and this language has."""
    told = {sentence: gettext(sentence) for sentence in find_sentences(template.script)}
    return {sentence: words for sentence, words in told.items() if words != sentence}


def find_sentences(script: str) -> list[str]:
    """What a script says: the texts in its calls of gettext."""
    return sorted({json.loads(text) for text in _SENTENCE.findall(script)})


def find_folder(name: str) -> Path:
    return Path(str(import_module(_find_package(name)).__file__)).parent


def find_hit_type(name: str) -> HITType[Any]:
    """The code of a HIT type: how its answers are read, scored, told and simulated. Raises BadTemplate."""
    hit_type: HITType[Any] = import_module(f"{_find_package(name)}.answer").HIT_TYPE
    return hit_type


def list_names(*, adds_to: AddsTo) -> list[str]:
    return [name for name in TABLE if find_hit_type(name).adds_to == adds_to]


def list_shows_photographs() -> list[str]:
    """The HIT types that show whole photographs, and no crops of units."""
    return [name for name in TABLE if load_template(name).photographs]


def render_page(name: str, context: Mapping[str, Any], request: HttpRequest) -> str:
    return str(_load_part(name, "page.html").render(dict(context), request))


def render_summary(name: str, findings: Sequence[Finding], *, position: int | None = None) -> str:
    """How an answer looks in the dashboard, as HTML. `position`: the unit on whose page it stands, of several.

    No findings: the marketplace's answer could not be read.
    """
    if not findings:
        return format_html('<p class="us-said">{}</p>', "(this answer could not be read)")
    words = {title.replace(" ", "_"): text for title, text in find_hit_type(name).summarize(findings)}
    context = {"words": words, "findings": findings, "position": position}
    rendered: str = _load_part(name, "summary.html").render(context)
    return rendered


def _find_package(name: str) -> str:
    if name not in TABLE:
        raise BadTemplate(f"There is no HIT type {name!r}. There are: {', '.join(TABLE)}.")
    return TABLE[name]


@functools.lru_cache(maxsize=32)
def _load_part(name: str, part: str) -> Any:
    return engines["django"].from_string((find_folder(name) / part).read_text())
