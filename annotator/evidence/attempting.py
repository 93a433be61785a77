"""Sends a question, or a part of it, to the GPU processes until there is a result; attempts are counted when sent."""

import uuid
from dataclasses import asdict
from datetime import datetime
from functools import partial

from django.db import transaction

from annotator.evidence.models import Question, QuestionPart
from annotator.units import gpu_queue
from workers import contract
from workers.store import Store

Attempted = Question | QuestionPart


def is_due(attempted: Attempted, store: Store, now: datetime) -> bool:
    """True if it was never sent, its attempt failed, its GPU process fell silent, or the broker lost it."""
    question_id, position = _find_place(attempted)
    if attempted.sent_at is None or store.exists(contract.failure_name(position, attempted.n_attempts)):
        return True
    standing = gpu_queue.find_standing(
        question_id, position, attempt=attempted.n_attempts, sent_at=attempted.sent_at, now=now
    )
    if standing is gpu_queue.Standing.LOST:
        attempted.n_attempts -= 1
    return standing is not gpu_queue.Standing.WAITING


def send(attempted: Attempted, store: Store, now: datetime) -> str:
    """Sends it after commit. "", or the reason for which it is given up."""
    _, position = _find_place(attempted)
    if attempted.n_attempts >= contract.MAX_ATTEMPTS:
        failed = contract.failure_name(position, attempted.n_attempts)
        if store.exists(failed):
            return store.read(failed).decode()
        return f"The GPU process was lost {contract.MAX_ATTEMPTS} times while it answered. Ask again to go on."
    attempted.n_attempts, attempted.sent_at = attempted.n_attempts + 1, now
    request = attempted.request()
    transaction.on_commit(partial(gpu_queue.send, contract.ANSWER, asdict(request)))
    return ""


def _find_place(attempted: Attempted) -> tuple[uuid.UUID, int]:
    if isinstance(attempted, QuestionPart):
        return attempted.question_id, attempted.position
    return attempted.pk, 0
