"""Has a large question answered in parts: one GPU task for each, then one that joins them.

The parts are what the result at position 0 states. Whatever is done stays done: if GPU processes are lost, only what
they worked on is sent again. Few parts are on their way at a time, so that a page's question waits for few of them.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from annotator.evidence.attempting import is_due, send
from annotator.evidence.models import Question, QuestionPart
from annotator.units import gpu_queue
from workers import contract
from workers.store import Store
from workers.valkey import ValkeyAway

JOINING = "joining the parts"


def advance_parts(question: Question, store: Store, sizes: Sequence[int], *, now: datetime) -> dict[str, Any] | None:
    """The answer or `error` once it is there; until then sends what is due. The question's row is locked."""
    parts = list(question.parts.all()) or _make_parts(question, sizes)
    for part in parts:
        # Nobody has begun what was not sent: the store need not be asked.
        if part.is_done or part.sent_at is None:
            continue
        if store.exists(contract.result_name(part.position)):
            result: dict[str, Any] = json.loads(store.read(contract.result_name(part.position)))
            if "error" in result or part.is_join:
                return result
            part.is_done = True
        elif not is_due(part, store, now):
            continue
        elif reason := send(part, store, now):
            return {"error": reason}
        part.save()
    unsent = [part for part in parts if part.sent_at is None]
    if not unsent and all(part.is_done for part in parts):
        unsent = [QuestionPart(question=question, position=len(parts) + 1, is_join=True)]
    n_open = sum(part.sent_at is not None and not part.is_done for part in parts)
    for part in unsent[: max(0, _count_at_once() - n_open)] if unsent else []:
        send(part, store, now)
        part.save()
    return None


def _count_at_once() -> int:
    """Parts that may be on their way: one for each GPU process, and one so that none of them has to wait."""
    try:
        return 1 + max(1, len(gpu_queue.list_processes()))
    except ValkeyAway:
        return 1  # it is sent again when the broker answers


def _make_parts(question: Question, sizes: Sequence[int]) -> list[QuestionPart]:
    rows = [QuestionPart(question=question, position=place, n_images=n) for place, n in enumerate(sizes, start=1)]
    return QuestionPart.objects.bulk_create(rows)


def read_progress(question: Question) -> contract.Progress | None:
    """The last word about a question; of one in parts, that of all its parts together."""
    parts = list(question.parts.all())
    if not parts:
        return gpu_queue.read_progress(question.pk, 0)
    open_parts = {part.position: part for part in parts if not part.is_done}
    words = gpu_queue.read_all_progress(question.pk, list(open_parts))
    current = [word for position, word in words.items() if word.attempt == open_parts[position].n_attempts]
    if not current:
        return None
    last = max(current, key=lambda word: word.beat_at)
    if any(part.is_join for part in parts):
        return replace(last, stage=JOINING)
    n_done = sum(part.n_images for part in parts if part.is_done) + sum(word.n_done for word in current)
    return replace(last, n_done=n_done, n_total=sum(part.n_images for part in parts))
