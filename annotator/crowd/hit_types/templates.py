"""hit_templates/<type>/ -> the page, the ExternalQuestion, the CreateHITType fields."""

import functools
import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from annotator.refusals import Refusal

TEMPLATES = Path(settings.BASE_DIR) / "hit_templates"
PARTS = ("hit_type.toml", "page.html", "style.css", "script.js")
# Beside the folders: what every page has around its work.
FRAME = ("frame.html", "frame.css", "frame.js")
ANSWERS = ("semantics", "verdict")
_LONGEST = {"title": 128, "description": 2_000, "keywords": 1_000}


class BadTemplate(Refusal):
    """A folder of hit_templates/ lacks a part or says something the marketplace would refuse."""


@dataclass(frozen=True)
class HITTemplate:
    name: str
    # What an answer is: "semantics" (description, marks, category) or "verdict" (yes or no).
    answer: str
    heading: str
    title: str
    description: str
    keywords: str
    assignment_seconds: int
    lifetime_seconds: int
    auto_approval_seconds: int
    expected_seconds: int
    frame_height_px: int
    n_top: int
    n_planted: int
    consent: tuple[tuple[str, str], ...]
    style: str
    script: str
    sha256: str

    @property
    def n_crops(self) -> int:
        return self.n_top + self.n_planted


@functools.lru_cache(maxsize=16)
def load_template(name: str) -> HITTemplate:
    folder = TEMPLATES / name
    missing = [part for part in PARTS if not (folder / part).is_file()]
    if missing or folder.parent != TEMPLATES:
        raise BadTemplate(f"hit_templates/{name} is not a HIT type: it lacks {', '.join(missing) or 'a plain name'}.")
    contents = {part: (folder / part).read_bytes() for part in PARTS}
    frame = {part: (TEMPLATES / part).read_bytes() for part in FRAME}
    try:
        fields = tomllib.loads(contents["hit_type.toml"].decode())
        template = HITTemplate(
            name=name,
            style=(frame["frame.css"] + contents["style.css"]).decode(),
            script=(frame["frame.js"] + contents["script.js"]).decode(),
            sha256=hashlib.sha256(b"\0".join([*contents.values(), *frame.values()])).hexdigest(),
            consent=tuple((str(heading), str(text)) for heading, text in fields.pop("consent")),
            **fields,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadTemplate(f"hit_templates/{name}/hit_type.toml: {error}.") from None
    if template.answer not in ANSWERS:
        raise BadTemplate(f"hit_templates/{name}/hit_type.toml: answer is one of {', '.join(ANSWERS)}.")
    for field, longest in _LONGEST.items():
        if len(getattr(template, field)) > longest:
            raise BadTemplate(f"hit_templates/{name}/hit_type.toml: {field} is longer than {longest} characters.")
    return template


def list_templates() -> list[str]:
    """The HIT types there are: folders of hit_templates/ with every part."""
    return sorted(path.parent.name for path in TEMPLATES.glob(f"*/{PARTS[0]}"))
