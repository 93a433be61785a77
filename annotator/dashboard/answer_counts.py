"""How many answers campaigns have, counted anew only as often as counting is cheap."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import redis
from django.conf import settings
from django.db.models import Count, Q, Sum

from annotator.crowd.models import Assignment

ANSWERED = (
    Assignment.State.STORED,
    Assignment.State.SUBMITTED,
    Assignment.State.APPROVED,
    Assignment.State.REJECTED,
)
# Counting a million answers takes a second. A count that took t seconds is shown for 20 t, so that counting takes at
# most a twentieth of one process however often pages ask; what takes under 50 ms is never kept.
KEPT_TIMES, NEVER_KEPT_SECONDS = 20, 0.05


@dataclass(frozen=True)
class AnswerCounts:
    n_answers: int = 0
    n_submitted: int = 0
    n_simulated: int = 0
    active_seconds: float = 0.0


def read_answer_counts(campaign_ids: Iterable[int]) -> dict[int, AnswerCounts]:
    """One query for the campaigns whose counts are not kept; a broker that does not answer keeps nothing."""
    wanted = list(campaign_ids)
    kept = _read_kept(wanted)
    missing = [one for one in wanted if one not in kept]
    if not missing:
        return kept
    began = time.perf_counter()
    counted = count_answers(missing)
    _keep(counted, seconds=time.perf_counter() - began)
    return kept | counted


def count_answers(campaign_ids: Iterable[int]) -> dict[int, AnswerCounts]:
    ids = list(campaign_ids)
    rows = (
        Assignment.objects.filter(hit__campaign__in=ids, state__in=ANSWERED)
        .order_by()
        .values("hit__campaign")
        .annotate(
            n_answers=Count("id"),
            n_submitted=Count("id", filter=Q(state=Assignment.State.SUBMITTED)),
            n_simulated=Count("id", filter=Q(worker__is_simulated=True)),
            active_seconds=Sum("active_seconds"),
        )
    )
    found = {
        row["hit__campaign"]: AnswerCounts(
            n_answers=row["n_answers"],
            n_submitted=row["n_submitted"],
            n_simulated=row["n_simulated"],
            active_seconds=row["active_seconds"],
        )
        for row in rows
    }
    return {one: found.get(one, AnswerCounts()) for one in ids}


def _read_kept(campaign_ids: list[int]) -> dict[int, AnswerCounts]:
    if not campaign_ids:
        return {}
    try:
        with _client() as client:
            raw = client.mget([_key(one) for one in campaign_ids])
    except redis.RedisError:
        return {}
    return {one: AnswerCounts(**json.loads(text)) for one, text in zip(campaign_ids, raw, strict=True) if text}


def _keep(counted: dict[int, AnswerCounts], *, seconds: float) -> None:
    if seconds < NEVER_KEPT_SECONDS:
        return
    try:
        with _client() as client:
            for one, counts in counted.items():
                client.set(_key(one), json.dumps(asdict(counts)), px=int(1000 * seconds * KEPT_TIMES))
    except redis.RedisError:
        return  # counted again next time


def _key(campaign_id: int) -> str:
    return f"unitscope:answer-counts:{campaign_id}"


def _client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
