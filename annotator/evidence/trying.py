"""A photograph that people look at: asked in full, asked again, kept, deleted. Roles are checked by whoever calls."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.db import transaction

from annotator.accounts.auditing import write_audit_entry
from annotator.counters import count_up
from annotator.evidence.asking import CannotAsk, Photograph, send_first
from annotator.evidence.models import Question
from annotator.refusals import Refusal
from annotator.units import gpu_queue
from annotator.units.models import Image, Network
from workers import contract
from workers.engine.evidence.names import CAM, LAYER_CAM
from workers.engine.plurals import say_count
from workers.store import StoreError, open_store

logger = logging.getLogger(__name__)
MAX_PER_HOUR = 60
MAX_OPEN = 5
# What another question about the same photograph takes over.
ABOUT_IT = (
    contract.CLEAN_PHOTOGRAPH, contract.SHOWN_PHOTOGRAPH, contract.ABOUT_PHOTOGRAPH, contract.PIXEL_LABELS,
)  # fmt: skip


class PhotographGone(Refusal):
    """Somebody deleted the photograph meanwhile."""


class CannotDelete(Refusal):
    """The photograph cannot be deleted now; the message says why."""


class StatedNetwork(Protocol):
    """A network by address."""

    architecture: Any
    weights: Any
    preprocessing: Any
    code_folder: Any


class AboutPhotograph(Protocol):
    """What is asked about a photograph: the kind of question, the network, and the options of that kind."""

    @property
    def kind(self) -> str: ...
    @property
    def network(self) -> StatedNetwork: ...
    def options(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Wanted:
    """`layer`: empty for the one that the head pools; of others there are maps by gradients alone. `classes`: empty for
    the five of highest score.
    """

    network: Network
    layer: str = ""
    classes: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        return Question.Kind.EXPLAIN

    def options(self) -> dict[str, Any]:
        return {
            "in_full": True,
            "method": LAYER_CAM if self.layer else CAM,
            "layer": self.layer,
            "classes": list(self.classes),
        }


def try_upload(
    *, photograph: Photograph, title: str, wanted: AboutPhotograph, asked_by: User, now: datetime
) -> Question:
    """Raises CannotAsk, StoreError."""
    question = _make(wanted, asked_by, now, title=title)
    with _saved_or_cleared(question):
        open_store(question.folder).write(contract.PHOTOGRAPH, photograph.content)
        send_first(question, now=now)
    return question


def try_image(*, image: Image, wanted: AboutPhotograph, asked_by: User, now: datetime) -> Question:
    """A photograph of a registered image set; with its labeled pixels, if the set has them. Raises CannotAsk."""
    question = _make(wanted, asked_by, now, title=image.path[-200:])
    question.image = image
    found = image.image_set
    question.options |= {"images": found.address, "image": image.path, "labels": found.labels}
    with _saved_or_cleared(question):
        send_first(question, now=now)
    return question


def try_again(*, first: Question, wanted: AboutPhotograph, asked_by: User, now: datetime) -> Question:
    """The same photograph, for other classes, another layer or another network. Raises CannotAsk, PhotographGone,
    StoreError.
    """
    question = _make(wanted, asked_by, now, title=first.title)
    with _saved_or_cleared(question):
        locked = next((one for one in _lock_same(first) if one.pk == first.pk), None)
        source = open_store(first.folder)
        if locked is None:
            raise PhotographGone("This photograph was deleted meanwhile.")
        if not source.exists(contract.CLEAN_PHOTOGRAPH):
            raise CannotAsk("This photograph could not be read, so nothing more can be asked about it.")
        question.photograph_id, question.image, question.is_kept = locked.photograph_id, locked.image, locked.is_kept
        target = open_store(question.folder)
        for name in ABOUT_IT:
            if source.exists(name):
                target.write(name, source.read(name))
        send_first(question, now=now)
    return question


def set_kept(question: Question, *, is_kept: bool, by: User, now: datetime) -> None:
    """Of all questions about the photograph. Raises PhotographGone."""
    with transaction.atomic():
        same = _lock_same(question)
        if not same:
            raise PhotographGone("This photograph was deleted meanwhile.")
        Question.objects.filter(pk__in=[one.pk for one in same]).update(is_kept=is_kept)
        action = "keep photograph" if is_kept else "do not keep photograph"
        write_audit_entry(actor=by, action=action, subject=_subject(question), details={}, now=now)


def delete_photograph(question: Question, *, by: User, now: datetime) -> None:
    """The photograph, every question about it, and all answers; nothing if it is deleted already. Raises CannotDelete.
    After a StoreError it can be deleted again.
    """
    with transaction.atomic():
        same = _lock_same(question)
        if not same:
            return
        with _stopped(same):
            for one in same:
                open_store(one.folder).clear()
            Question.objects.filter(pk__in=[one.pk for one in same]).delete()
            details = {"questions": len(same)}
            subject = _subject(question)
            write_audit_entry(actor=by, action="delete photograph", subject=subject, details=details, now=now)


def list_same(question: Question) -> Any:
    """The questions about the same photograph, oldest first."""
    is_alone = question.photograph_id is None
    same = {"pk": question.pk} if is_alone else {"photograph_id": question.photograph_id}
    return Question.objects.filter(**same).order_by("asked_at", "pk")


def is_owner(person: User, question: Question) -> bool:
    """True for whoever tried the photograph first; asking again about it makes nobody its owner."""
    first = list_same(question).first()
    return first is not None and first.asked_by_id == person.pk


def _lock_same(question: Question) -> list[Question]:
    """The questions about the same photograph, until the transaction ends; nobody adds or deletes one until then."""
    list(list_same(question).select_for_update())
    # Once more: one that was added while this waited for the others is seen only now.
    return list(list_same(question).select_for_update())


@contextmanager
def _stopped(questions: Sequence[Question]) -> Iterator[None]:
    """Within it, no GPU process keeps anything about them. If it fails, they are wanted again. Raises CannotDelete."""
    try:
        for one in questions:
            is_told = gpu_queue.mark_canceled(one.folder, is_canceled=True)
            if not is_told and one.state == Question.State.ASKED:
                raise CannotDelete(
                    "Not deleted: a GPU process may be answering a question about this photograph, and the task queue "
                    "(Valkey) does not answer, so it cannot be stopped. Delete the photograph again later."
                )
        yield
    except BaseException:
        for one in questions:
            gpu_queue.mark_canceled(one.folder, is_canceled=False)
        raise


def _make(wanted: AboutPhotograph, asked_by: User, now: datetime, *, title: str) -> Question:
    _demand_patience(asked_by, now)
    network = wanted.network
    question = Question(
        kind=wanted.kind,
        architecture=network.architecture,
        weights=network.weights,
        preprocessing=network.preprocessing,
        code_folder=network.code_folder,
        options=wanted.options(),
        asked_by=asked_by,
        asked_at=now,
        title=title,
    )
    question.photograph_id = question.id
    return question


@contextmanager
def _saved_or_cleared(question: Question) -> Iterator[None]:
    """A transaction that saves the question. If it fails, no photograph stays of which nobody knows."""
    try:
        with transaction.atomic():
            yield
    except BaseException:
        try:
            open_store(question.folder).clear()
        except (StoreError, OSError) as error:
            logger.warning("What was written for the unsaved question %s may remain: %s", question.pk, error)
        raise


def _demand_patience(person: User, now: datetime) -> None:
    n_open = Question.objects.filter(asked_by=person, state=Question.State.ASKED).count()
    if n_open >= MAX_OPEN:
        raise CannotAsk(f"{n_open} of your photographs still wait for the GPU process. Try again when one is answered.")
    hour, second = divmod(int(now.timestamp()), 3600)
    if count_up(f"trying:{person.pk}:{hour}", seconds=3600) > MAX_PER_HOUR:
        minutes = (3600 - second) // 60 + 1
        raise CannotAsk(
            f"You have asked {MAX_PER_HOUR} times within this hour. Try again in {say_count(minutes, 'minute')}."
        )


def _subject(question: Question) -> str:
    return f"photograph {question.photograph_id}"
