"""Writes notes and tags of units and keeps views, each with who did it and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Value

from annotator.notes.models import MAX_ADDRESS, MAX_NOTE, MAX_TAG, SavedView, UnitNote, UnitTag
from annotator.refusals import Refusal
from annotator.units.models import Unit
from workers.engine.plurals import say_count

MAX_TAGS_AT_ONCE = 20


class CannotNote(Refusal):
    """The text is empty or too long."""


def write_note(*, unit: Unit, text: str, author: User, now: datetime) -> UnitNote:
    """Raises CannotNote."""
    text = text.replace("\r\n", "\n").strip()  # as a form counts its letters
    if not 1 <= len(text) <= MAX_NOTE:
        raise CannotNote(f"A note has 1 to {MAX_NOTE} characters; this one has {len(text)}.")
    return UnitNote.objects.create(unit=unit, text=text, author=author, written_at=now)


@dataclass(frozen=True)
class Noted:
    """A note or a tag of a unit; `author` is "" if they have no account any more."""

    pk: int
    text: str
    author: str
    author_id: int | None
    at: datetime


def list_noted(unit: Unit, *, n_notes: int) -> tuple[list[Noted], list[Noted]]:
    """The unit's tags by name, and its newest notes. One query."""
    tags = _tell(unit.tags.all(), "name", "tagged_at", is_note=False)
    notes = _tell(unit.notes.all(), "text", "written_at", is_note=True)
    found: tuple[list[Noted], list[Noted]] = ([], [])
    for is_note, pk, told, author, author_id, at in tags.union(notes, all=True):
        found[is_note].append(Noted(pk, told, author or "", author_id, at))
    newest = sorted(found[1], key=lambda one: (one.at, one.pk), reverse=True)
    return sorted(found[0], key=lambda one: one.text), newest[:n_notes]


def _tell(rows: Any, text: str, at: str, *, is_note: bool) -> Any:
    """Tags and notes in columns of the same names, so that one query reads both."""
    named = rows.order_by().annotate(told=F(text), at=F(at), is_note=Value(is_note))
    return named.values_list("is_note", "pk", "told", "author__username", "author", "at")


def read_tags(text: str) -> list[str]:
    """Names parted by commas, in lower case, without doubles, in the order written. Raises CannotNote."""
    names = list(dict.fromkeys(name for part in text.split(",") if (name := " ".join(part.split()).lower())))
    if not 1 <= len(names) <= MAX_TAGS_AT_ONCE:
        raise CannotNote(f"Write 1 to {MAX_TAGS_AT_ONCE} tags, with commas between them.")
    if too_long := [name for name in names if len(name) > MAX_TAG]:
        raise CannotNote(
            f"A tag has at most {MAX_TAG} characters: “{too_long[0][:60]}” is longer. Write a note instead."
        )
    return names


def add_tags(*, unit: Unit, text: str, author: User, now: datetime) -> list[str]:
    """The unit's tags that were written; one that it has stays as it is. Raises CannotNote."""
    names = read_tags(text)
    rows = [UnitTag(unit=unit, name=name, author=author, tagged_at=now) for name in names]
    UnitTag.objects.bulk_create(rows, ignore_conflicts=True)
    return names


def save_view(*, owner: User, name: str, address: str, now: datetime) -> SavedView:
    """A view of the same owner with the same name is replaced. Raises CannotNote."""
    name = " ".join(name.split())
    limit = SavedView._meta.get_field("name").max_length or 0
    if not 1 <= len(name) <= limit:
        raise CannotNote(f"The name of a view has 1 to {say_count(limit, 'character')}.")
    if len(address) > MAX_ADDRESS:
        raise CannotNote("The address of this view is too long to be kept. Use fewer filters.")
    view, _ = SavedView.objects.update_or_create(owner=owner, name=name, defaults={"address": address, "saved_at": now})
    return view
