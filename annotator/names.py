"""What campaigns, networks and image sets may be called, and how any name stands in an address or as a file's name.

Names of layers and units come from networks and are never refused, and rows may be older than these rules: whatever a
name consists of, its page has an address.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from annotator.refusals import Refusal
from workers.engine.plurals import say_count

MAX_LENGTH = 80
MARKS = " -_.,+()"
RULE = (
    f"A name has 1 to {MAX_LENGTH} characters: letters and digits of any script, spaces and {MARKS.strip()}. It begins "
    "with a letter or digit, and ends with none of space, dot and comma."
)
# What file systems take in bytes, less what endings and prefixes need.
MAX_FILE_BYTES = 120
_UNIQUE_VIOLATION = "23505"


class NameRefused(Refusal):
    """A name that was given breaks the rule."""


class NameTaken(Refusal):
    """Something else got this name in the same moment."""


@contextmanager
def claim_name(name: str) -> Iterator[None]:
    """Around the insertion of one named row. Raises NameTaken if a row has the name, however short its lead was."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if getattr(error.__cause__, "pgcode", None) != _UNIQUE_VIOLATION:
            raise
        raise NameTaken(f"The name {name!r} was given to something else just now. Choose another.") from None


def check_name(name: str) -> None:
    """Raises NameRefused unless a person may call a campaign, network or image set so."""
    wrong = sorted({char for char in name if not (_is_word(char) or char in MARKS)})
    if wrong:
        raise NameRefused(f"The name {name[:MAX_LENGTH]!r} holds {_call(wrong[0])}. {RULE}")
    if not 1 <= len(name) <= MAX_LENGTH:
        raise NameRefused(f"The name has {say_count(len(name), 'character')}. {RULE}")
    if not _is_word(name[0]) or name[-1] in " .,":
        raise NameRefused(f"The name {name!r} begins or ends wrongly. {RULE}")


def validate_name(name: str) -> None:
    """check_name, as fields of forms and models ask."""
    try:
        check_name(name)
    except NameRefused as refused:
        raise ValidationError(str(refused)) from None


def to_segment(name: str) -> str:
    """One segment of an address that stands for this name and no other; plain names stand for themselves."""
    if not name.strip("."):
        return "".join(map(_escape, name)) or "~"
    return "".join(char if _is_safe_in_address(char) else _escape(char) for char in name)


def from_segment(segment: str) -> str:
    """The inverse of to_segment; raises ValueError for what no row can be called."""
    name = "" if segment == "~" else re.sub(r"(?:~[0-9A-F]{2})+", _unescape, segment)
    if "\0" in name:
        raise ValueError("No name holds a null character.")
    return name


def to_file_name(name: str) -> str:
    """A file's name that stands for this name and no other, on any system."""
    start = _escape(name[0]) if name.startswith(".") else ""
    rest = name[1:] if start else name
    plain = start + "".join(char if _is_word(char) or char in MARKS else _escape(char) for char in rest)
    if plain and len(plain.encode()) <= MAX_FILE_BYTES:
        return plain
    cut = plain.encode()[: MAX_FILE_BYTES // 2].decode(errors="ignore")
    return f"{cut}~{sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}"


def _is_word(char: str) -> bool:
    """Letters, the marks that stand on them, and digits, of any script."""
    return unicodedata.category(char)[0] in "LMN"


def _is_safe_in_address(char: str) -> bool:
    # Servers and browsers treat a slash, however it is written, as the end of a segment.
    return char not in "/\\~" and unicodedata.category(char)[0] != "C"


def _escape(char: str) -> str:
    return "".join(f"~{byte:02X}" for byte in char.encode(errors="surrogatepass"))


def _unescape(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("~", "")).decode()
    except ValueError:
        return found[0]


def _call(char: str) -> str:
    return repr(char) if char.isprintable() else f"the character U+{ord(char):04X}"


class NameConverter:
    """A name in a pattern of addresses."""

    regex = r"[^/]+"
    to_python: Callable[[str], str] = staticmethod(from_segment)
    to_url: Callable[[str], str] = staticmethod(to_segment)
