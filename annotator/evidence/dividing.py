"""Has a large question answered in parts: one GPU task for each, then one that joins them.

The parts are what the result at position 0 states. Whatever is done stays done: if GPU processes are lost, only what
they worked on is sent again.
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

JOINING = "joining the parts"


def advance_parts(question: Question, store: Store, sizes: Sequence[int], *, now: datetime) -> dict[str, Any] | None:
    """The answer or `error` once it is there; until then sends what is due. The question's row is locked."""
    parts = list(question.parts.all()) or _make_parts(question, sizes)
    for part in parts:
        if part.is_done:
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
    if all(part.is_done for part in parts):
        join = QuestionPart(question=question, position=len(parts) + 1, is_join=True)
        send(join, store, now)
        join.save()
    return None


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
