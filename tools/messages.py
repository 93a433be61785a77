"""The sentences of HIT pages and the worker site, and their translations: `python -m tools.messages [LANGUAGE]`.

Every catalog in annotator/locale/ gets the sentences that it lacks, with an empty translation, and loses those that
nobody says any more; each is compiled beside. A new LANGUAGE, such as fr, gets a catalog. Whoever translates fills the
`msgstr` of django.po, in any editor, and runs this again: no code is changed.
"""

import ast
import gettext
import json
import re
import struct
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import django

from workers.engine.plurals import say_count

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "annotator" / "locale"
# What people who work on HITs read.
PLACES = ("hit_templates", "annotator/crowd", "annotator/sandbox")
CALLS = {"gettext", "gettext_noop", "gettext_lazy"}
PLURAL_CALLS = {"ngettext"}
# Refusals whose sentence is translated where it is shown.
REFUSALS = {
    "SignUpRefused",
    "BadAnswer",
    "VisitRefused",
    "CannotStart",
    "TokenExpired",
    "TokenForged",
    "AlreadyStored",
    "LinkRefused",
}
# In what Django makes of a template's tags.
_QUOTED = r"""(u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))"""
_IN_TEMPLATE = re.compile(rf"(?:\bgettext|\b_)\({_QUOTED}")
_PLURAL_IN_TEMPLATE = re.compile(rf"\bngettext\({_QUOTED}, {_QUOTED}")
_IN_SCRIPT = re.compile(r'gettext\(("(?:[^"\\]|\\.)*")')
HEAD = (
    "Language: {language}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nPlural-Forms: {plural_forms}\n"
)
# What stands between the forms of a sentence with a count, here as in a compiled catalog.
BETWEEN = "\0"


def list_messages() -> list[str]:
    """Every sentence in English, sorted; of one with a count, both forms."""
    from annotator.crowd.categories import SemanticCategory
    from annotator.sandbox.rules.states import AssignmentState

    # Shown by their values.
    found: set[str] = {one.value for one in (*SemanticCategory, *AssignmentState)}
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*")):
            if read := READERS.get(path.suffix):
                found |= set(read(path))
    return sorted(found)


def _read_python(path: Path) -> Iterator[str]:
    if "migrations" in path.parts:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in CALLS | REFUSALS:
            yield from _texts(node.args[:1])
        elif isinstance(node, ast.Call) and _name(node.func) in PLURAL_CALLS:
            yield BETWEEN.join(_texts(node.args[:2]))
        elif isinstance(node, ast.Call) and _name(node.func) == "show_problem":
            yield from _texts(node.args[2:3])


def _texts(given: list[ast.expr]) -> Iterator[str]:
    for one in given:
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def _name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _read_template(path: Path) -> Iterator[str]:
    from django.utils.translation.template import templatize

    source = templatize(path.read_text(), origin=str(path))
    for text in _IN_TEMPLATE.findall(source):
        yield ast.literal_eval(text)
    for forms in _PLURAL_IN_TEMPLATE.findall(source):
        yield BETWEEN.join(map(ast.literal_eval, forms))


def _read_script(path: Path) -> Iterator[str]:
    for text in _IN_SCRIPT.findall(path.read_text()):
        yield json.loads(text)


def _read_hit_type(path: Path) -> Iterator[str]:
    stated = tomllib.loads(path.read_text())
    if path.name == "hit_type.toml":
        yield stated["heading"]
        for heading, text in stated["consent"]:
            yield heading
            yield text


READERS = {".py": _read_python, ".html": _read_template, ".js": _read_script, ".toml": _read_hit_type}


def read_catalog(path: Path) -> dict[str, str]:
    """Sentence -> translation of a .po file of one-line or continued texts; the head is left out.

    Both have all their forms, where the sentence counts.
    """
    texts: dict[str, str] = {}
    key, part = "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(" ")
        if name == "msgid":
            key, part = json.loads(rest), "msgid"
        elif name == "msgid_plural":
            key += BETWEEN + json.loads(rest)
        elif name in ("msgstr", "msgstr[0]"):
            texts[key], part = json.loads(rest), "msgstr"
        elif name.startswith("msgstr["):
            texts[key] += BETWEEN + json.loads(rest)
        elif line.startswith('"') and part == "msgid":
            key += json.loads(line)
        elif line.startswith('"') and part == "msgstr":
            texts[key] += json.loads(line)
    return {key: text for key, text in texts.items() if key}


def write_catalog(path: Path, texts: dict[str, str], *, language: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    plural_forms = find_plural_forms(language)
    entries = [("", HEAD.format(language=language, plural_forms=plural_forms)), *sorted(texts.items())]
    n_forms = int(plural_forms.removeprefix("nplurals=").partition(";")[0])
    path.write_text("\n".join(_write_entry(key, text, n_forms) for key, text in entries), encoding="utf-8")
    path.with_suffix(".mo").write_bytes(compile_catalog(dict(entries)))


def find_plural_forms(language: str) -> str:
    """How many forms a count has, and which one a number takes, as Django knows it; of others, as in English."""
    known = gettext.find("django", Path(django.__file__).parent / "conf" / "locale", [language])
    if known is None:
        return "nplurals=2; plural=(n != 1);"
    with open(known, "rb") as file:
        return gettext.GNUTranslations(file).info()["plural-forms"]


def is_translated(text: str) -> bool:
    return all(text.split(BETWEEN))


def _write_entry(key: str, text: str, n_forms: int) -> str:
    one, _, many = key.partition(BETWEEN)
    if not many:
        return f"msgid {_quote(one)}\nmsgstr {_quote(text)}\n"
    forms = text.split(BETWEEN) if text else [""] * n_forms
    said = "".join(f"msgstr[{number}] {_quote(form)}\n" for number, form in enumerate(forms))
    return f"msgid {_quote(one)}\nmsgid_plural {_quote(many)}\n{said}"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def compile_catalog(texts: dict[str, str]) -> bytes:
    """The binary form that Python's gettext reads: a table of lengths and offsets of both sides, then the texts."""
    entries = sorted((key.encode(), text.encode()) for key, text in texts.items() if is_translated(text))
    n, keys, values = len(entries), b"", b""
    spans = []
    for key, text in entries:
        spans.append((len(key), len(keys), len(text), len(values)))
        keys, values = keys + key + b"\0", values + text + b"\0"
    first = 7 * 4 + 16 * n
    originals = [number for length, at, _, _ in spans for number in (length, first + at)]
    translated = [number for _, _, length, at in spans for number in (length, first + len(keys) + at)]
    head = [0x950412DE, 0, n, 7 * 4, 7 * 4 + 8 * n, 0, first]
    return struct.pack(f"<{len(head) + 4 * n}I", *head, *originals, *translated) + keys + values


def main(languages: list[str]) -> None:
    messages = list_messages()
    for language in sorted({*(path.name for path in LOCALE.glob("*") if path.is_dir()), *languages}):
        path = LOCALE / language / "LC_MESSAGES" / "django.po"
        known = read_catalog(path) if path.exists() else {}
        write_catalog(path, {message: known.get(message, "") for message in messages}, language=language)
        n_open = sum(not is_translated(known.get(message, "")) for message in messages)
        print(f"{path.relative_to(ROOT)}: {say_count(len(messages), 'sentence')}, {n_open} to translate.")


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    django.setup()
    main(sys.argv[1:])
