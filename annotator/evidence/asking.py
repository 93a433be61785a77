"""Asks a network where and why, and takes the answer. The database decides; broker messages are hints."""

import json
import logging
import os.path
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction

from annotator.evidence import attempting, dividing
from annotator.evidence.models import Question
from annotator.evidence.unit_classes import keep_classes
from annotator.refusals import Refusal
from annotator.units import gpu_queue
from annotator.units.sources import check_architecture, resolve_weights
from workers import contract
from workers.engine.images.passed_over import is_text, show_path
from workers.store import Store, StoreError, open_store

logger = logging.getLogger(__name__)
MAX_PHOTOGRAPH_BYTES = 10 * 2**20
WAIT_SECONDS = 0.2
# A question, its photograph and its answer are deleted after this time unless a person keeps them.
KEPT_FOR = timedelta(days=30)


class CannotAsk(Refusal):
    """The question cannot be put so, or was refused; the message says why."""


@dataclass(frozen=True)
class AskedNetwork:
    """A network by address, as `dissect` takes it."""

    architecture: str
    weights: str = ""
    preprocessing: dict[str, Any] | None = None
    code_folder: str = ""


def ask_for_head(*, network: AskedNetwork, now: datetime) -> Question:
    """Which head the network has. Raises CannotRegister."""
    return ask(Question(kind=Question.Kind.HEADS, asked_at=now), network, now=now)


@dataclass(frozen=True)
class Photograph:
    """An image file as it came, at most MAX_PHOTOGRAPH_BYTES."""

    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Photograph":
        """Raises CannotAsk."""
        try:
            with path.open("rb") as file:
                content = file.read(MAX_PHOTOGRAPH_BYTES + 1)
        except OSError as error:
            raise CannotAsk(f"{path} cannot be read: {error.strerror}.") from None
        if len(content) > MAX_PHOTOGRAPH_BYTES:
            raise CannotAsk(f"{path.name} is larger than {MAX_PHOTOGRAPH_BYTES // 2**20} MiB. Save it smaller.")
        return cls(content)


def ask_to_explain(
    *, network: AskedNetwork, photograph: Photograph, options: dict[str, Any], now: datetime
) -> Question:
    """Why the network says what it says of the photograph; `options` are those of workers.engine.explain.Asked."""
    question = Question(kind=Question.Kind.EXPLAIN, options=options, asked_at=now)
    return ask(question, network, now=now, photograph=photograph)


def ask_to_localize(*, network: AskedNetwork, options: dict[str, Any], now: datetime) -> Question:
    """How well its class maps find objects; `options` as workers.localizing.localize_set takes them."""
    return ask(Question(kind=Question.Kind.LOCALIZE, options=options, asked_at=now), network, now=now)


def resolve_images(address: str) -> str:
    """The whole address of an image set. Raises CannotAsk."""
    if address.startswith("s3://"):
        return address
    folder = Path(address).resolve()
    # Unlike Path.is_dir, it answers for a name that is too long for a disk.
    if not os.path.isdir(folder):
        raise CannotAsk(f"There is no folder of images at {address}.")
    return resolve_path(folder)


def resolve_path(path: Path) -> str:
    """The whole path, as a question can keep it. Raises CannotAsk."""
    if not is_text(address := str(path.resolve())):
        raise CannotAsk(f"The path {show_path(address)} is not UTF-8. Rename it.")
    return address


def ask_about_importance(*, network: AskedNetwork, options: dict[str, Any], now: datetime) -> Question:
    """How much units add to what it says; `options` are `images`, a folder or prefix, its `labels`, and `layers`,
    "" for the head's.
    """
    return ask(Question(kind=Question.Kind.IMPORTANCE, options=options, asked_at=now), network, now=now)


def ask_to_ablate(*, network: AskedNetwork, options: dict[str, Any], now: datetime) -> Question:
    """What classes lose without some units; `options` as workers.weighing.ablate_units takes them."""
    return ask(Question(kind=Question.Kind.ABLATE, options=options, asked_at=now), network, now=now)


def ask(question: Question, network: AskedNetwork, *, now: datetime, photograph: Photograph | None = None) -> Question:
    """Puts a question that has kind and options. Raises CannotRegister."""
    check_architecture(network.architecture, network.weights, network.preprocessing)
    question.architecture, question.weights = network.architecture, resolve_weights(network.weights)
    question.preprocessing, question.code_folder = network.preprocessing, network.code_folder
    if photograph is not None:
        open_store(question.folder).write(contract.PHOTOGRAPH, photograph.content)
    send_first(question, now=now)
    return question


def send_first(question: Question, *, now: datetime) -> None:
    """Saves a question whose network and photograph are stated, and sends it."""
    question.save()
    advance(question_id=question.id, now=now)


def advance(*, question_id: uuid.UUID, now: datetime) -> None:
    """Takes the answer if it is there, else sends the question if that is due. Safe to run in parallel."""
    with transaction.atomic():
        question = Question.objects.select_for_update().get(id=question_id)
        if question.state != Question.State.ASKED:
            return
        store = open_store(question.folder)
        answer = _find_answer(question, store, now)
        if answer is not None:
            _take(question, answer, now)
            if question.state == Question.State.REFUSED and question.parts.exists():
                # Other parts need not run on.
                transaction.on_commit(partial(gpu_queue.mark_canceled, question.folder, is_canceled=True))
            keep_classes(question, store, now=now)
        question.save()


def _find_answer(question: Question, store: Store, now: datetime) -> dict[str, Any] | None:
    """The answer or why there is none; until it is there, sends what is due."""
    if store.exists(contract.result_name(0)):
        found: dict[str, Any] = json.loads(store.read(contract.result_name(0)))
        sizes = found.get(contract.PARTS)
        return found if sizes is None else dividing.advance_parts(question, store, sizes, now=now)
    if attempting.is_due(question, store, now) and (reason := attempting.send(question, store, now)):
        return {"error": reason}
    return None


def advance_all(*, now: datetime) -> None:
    """The sweeper: advances each open question, whatever happens to the others."""
    for question_id in list(Question.objects.filter(state=Question.State.ASKED).values_list("id", flat=True)):
        try:
            advance(question_id=question_id, now=now)
        except Exception:
            logger.exception("Question %s cannot be advanced now; the next sweep tries again.", question_id)


def forget_old(*, now: datetime) -> None:
    """Deletes questions of long ago, with their photographs; one that cannot be deleted keeps no other one."""
    old = Question.objects.filter(asked_at__lt=now - KEPT_FOR, is_kept=False)
    for question_id in list(old.values_list("id", flat=True)):
        try:
            with transaction.atomic():
                # Looked at again: somebody may have kept it meanwhile.
                for question in old.select_for_update().filter(id=question_id):
                    open_store(question.folder).clear()
                    question.delete()
        except (StoreError, OSError) as error:
            logger.warning("Question %s cannot be deleted now (%s); the next sweep tries again.", question_id, error)


def wait_for_answer(
    question: Question,
    *,
    clock: Callable[[], datetime],
    show: Callable[[contract.Progress], object] | None = None,
    look_after: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """The answer, once it is there; `show` gets the progress meanwhile, and `look_after` is called again and again: it
    sees to the GPU process. Raises CannotAsk if the question is refused, or deleted in the dashboard.
    """
    while question.state == Question.State.ASKED:
        try:
            advance(question_id=question.id, now=clock())
            question.refresh_from_db()
        except Question.DoesNotExist:
            raise CannotAsk("The question was deleted meanwhile, with its photograph.") from None
        word = dividing.read_progress(question) if show is not None else None
        if show is not None and word is not None:
            show(word)
        look_after()
        time.sleep(WAIT_SECONDS)
    if question.state == Question.State.REFUSED:
        raise CannotAsk(question.refusal)
    answer: dict[str, Any] = question.answer
    return answer


def _take(question: Question, answer: dict[str, Any], now: datetime) -> None:
    question.answered_at = now
    question.refusal = answer.get("error", "")
    question.state = Question.State.REFUSED if question.refusal else Question.State.ANSWERED
    question.answer = {} if question.refusal else answer
