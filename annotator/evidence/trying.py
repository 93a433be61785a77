"""A photograph that people look at: asked in full, asked again, kept, deleted. Roles are checked by whoever calls."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from annotator.accounts.auditing import write_audit_entry
from annotator.counters import count_up
from annotator.evidence.asking import CannotAsk, Photograph, send_first
from annotator.evidence.models import Question
from annotator.units import gpu_queue
from annotator.units.models import Image, Network
from workers import contract
from workers.engine.evidence.names import CAM, LAYER_CAM
from workers.store import open_store

MAX_PER_HOUR = 60
MAX_OPEN = 5
# What another question about the same photograph takes over.
ABOUT_IT = (
    contract.CLEAN_PHOTOGRAPH, contract.SHOWN_PHOTOGRAPH, contract.ABOUT_PHOTOGRAPH, contract.PIXEL_LABELS,
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """`layer`: empty for the one that the head pools; of others there are maps by gradients alone. `classes`: empty for
    the five of highest score.
    """

    network: Network
    layer: str = ""
    classes: tuple[int, ...] = ()

    def options(self) -> dict[str, Any]:
        return {
            "in_full": True,
            "method": LAYER_CAM if self.layer else CAM,
            "layer": self.layer,
            "classes": list(self.classes),
        }


def try_upload(*, photograph: Photograph, title: str, wanted: Wanted, asked_by: User, now: datetime) -> Question:
    """Raises CannotAsk, StoreError."""
    question = _make(wanted, asked_by, now, title=title)
    open_store(question.folder).write(contract.PHOTOGRAPH, photograph.content)
    return _send(question, now)


def try_image(*, image: Image, wanted: Wanted, asked_by: User, now: datetime) -> Question:
    """A photograph of a registered image set; with its labeled pixels, if the set has them. Raises CannotAsk."""
    question = _make(wanted, asked_by, now, title=image.path[-200:])
    question.image = image
    found = image.image_set
    question.options |= {"images": found.address, "image": image.path, "labels": found.labels}
    return _send(question, now)


def try_again(*, first: Question, wanted: Wanted, asked_by: User, now: datetime) -> Question:
    """The same photograph, for other classes, another layer or another network. Raises CannotAsk, StoreError."""
    source = open_store(first.folder)
    if not source.exists(contract.CLEAN_PHOTOGRAPH):
        raise CannotAsk("This photograph could not be read, so nothing more can be asked about it.")
    question = _make(wanted, asked_by, now, title=first.title)
    question.photograph_id, question.image, question.is_kept = first.photograph_id, first.image, first.is_kept
    target = open_store(question.folder)
    for name in ABOUT_IT:
        if source.exists(name):
            target.write(name, source.read(name))
    return _send(question, now)


def set_kept(question: Question, *, is_kept: bool, by: User, now: datetime) -> None:
    """Of all questions about the photograph."""
    with transaction.atomic():
        list_same(question).update(is_kept=is_kept)
        action = "keep photograph" if is_kept else "do not keep photograph"
        write_audit_entry(actor=by, action=action, subject=_subject(question), details={}, now=now)


def delete_photograph(question: Question, *, by: User, now: datetime) -> None:
    """The photograph, every question about it, and all answers. After a StoreError it can be deleted again."""
    same = list(list_same(question))
    for one in same:
        gpu_queue.mark_canceled(one.folder, is_canceled=True)
    for one in same:
        open_store(one.folder).clear()
    with transaction.atomic():
        Question.objects.filter(pk__in=[one.pk for one in same]).delete()
        details = {"questions": len(same)}
        write_audit_entry(actor=by, action="delete photograph", subject=_subject(question), details=details, now=now)


def list_same(question: Question) -> Any:
    """The questions about the same photograph, oldest first."""
    return Question.objects.filter(photograph_id=question.photograph_id).order_by("asked_at")


def _make(wanted: Wanted, asked_by: User, now: datetime, *, title: str) -> Question:
    _demand_patience(asked_by, now)
    network = wanted.network
    question = Question(
        kind=Question.Kind.EXPLAIN,
        architecture=network.architecture,
        weights=network.weights,
        preprocessing=network.preprocessing,
        options=wanted.options(),
        asked_by=asked_by,
        asked_at=now,
        title=title,
    )
    question.photograph_id = question.id
    return question


def _send(question: Question, now: datetime) -> Question:
    try:
        with transaction.atomic():
            send_first(question, now=now)
    except BaseException:
        # No photograph stays of which nobody knows.
        open_store(question.folder).clear()
        raise
    return question


def _demand_patience(person: User, now: datetime) -> None:
    n_open = Question.objects.filter(asked_by=person, state=Question.State.ASKED).count()
    if n_open >= MAX_OPEN:
        raise CannotAsk(f"{n_open} of your photographs still wait for the GPU process. Try again when one is answered.")
    hour, second = divmod(int(now.timestamp()), 3600)
    if count_up(f"trying:{person.pk}:{hour}", seconds=3600) > MAX_PER_HOUR:
        minutes = (3600 - second) // 60 + 1
        raise CannotAsk(f"You have asked {MAX_PER_HOUR} times within this hour. Try again in {minutes} minutes.")


def _subject(question: Question) -> str:
    return f"photograph {question.photograph_id}"
